"""The overview: what the tenant has, what it costs next, what is owed."""

from flask import Blueprint, Response

from portal.billing import plan_changes, subscriptions
from portal.invoicing import invoices
from portal.security.guards import member
from portal.templating import page

bp = Blueprint("subscription", __name__)

LATEST_INVOICES = 4


@bp.get("/")
@member()
def overview() -> Response:
    """The live plan, the next charge and the latest invoices."""
    subscription = subscriptions.latest_subscription()
    latest = invoices.page(limit=LATEST_INVOICES)
    return page(
        "subscription/page.html",
        "subscription/_summary.html",
        subscription=subscription,
        plan=subscriptions.plan_of(subscription) if subscription else None,
        plan_change=plan_changes.under_way(),
        latest=latest.rows,
        overdue=[row for row in latest.rows if row.status == "open" and row.amount_remaining_minor > 0],
    )
