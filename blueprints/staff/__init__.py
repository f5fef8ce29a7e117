"""The staff's pages: what they see of all tenants, and the terms that they set."""

from flask import Blueprint

bp = Blueprint("staff", __name__, url_prefix="/staff")

# Who may set terms; the database asks the same (``is_keeper()``).
KEEPERS = ("admin", "finance")

from blueprints.staff import (  # noqa: E402  (they add their routes to bp)
    adjustments,  # noqa: F401
    branding,  # noqa: F401
    coupons,  # noqa: F401
    overview,  # noqa: F401
    policies,  # noqa: F401
    resources,  # noqa: F401
    source_links,  # noqa: F401
    sources,  # noqa: F401
    taxes,  # noqa: F401
    tenants,  # noqa: F401
    terms,  # noqa: F401
)
