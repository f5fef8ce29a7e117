"""The staff's pages: what they see of all tenants, and the terms that they set."""

from flask import Blueprint

bp = Blueprint("staff", __name__, url_prefix="/staff")

# Who may set terms; the database asks the same (``is_keeper()``).
KEEPERS = ("admin", "finance")

from blueprints.staff import coupons, overview, policies, resources, tenants, terms  # noqa: E402, F401  (they add their routes to bp)
