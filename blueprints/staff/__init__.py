"""The staff's pages: read only, on the staff role of the database."""

from flask import Blueprint

bp = Blueprint("staff", __name__, url_prefix="/staff")

from blueprints.staff import coupons, overview, tenants  # noqa: E402, F401  (they add their routes to bp)
