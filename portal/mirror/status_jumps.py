"""Which statuses may follow which at Stripe. A jump that may not is mirrored all the same; staff are told of it.

We read what is now, so that steps in between may be missed: each table holds all that can be reached.
Sources: docs.stripe.com/billing/subscriptions/overview (statuses), docs.stripe.com/invoicing/overview (life of one).
"""

from collections.abc import Mapping

from portal.findings import report

Table = Mapping[str, frozenset[str]]
_RUNNING = frozenset({"active", "past_due", "unpaid", "canceled"})

SUBSCRIPTION: Table = {
    "incomplete": _RUNNING | {"trialing", "incomplete_expired"},
    "trialing": _RUNNING | {"paused"},
    "active": _RUNNING,
    "past_due": _RUNNING,
    "unpaid": _RUNNING,
    "paused": _RUNNING,
    "incomplete_expired": frozenset(),
    "canceled": frozenset(),
}
INVOICE: Table = {
    "draft": frozenset({"open", "paid", "void", "uncollectible"}),
    "open": frozenset({"paid", "void", "uncollectible"}),
    "uncollectible": frozenset({"paid", "void"}),
    "paid": frozenset(),
    "void": frozenset(),
}


def report_jump(table: Table, object_id: str, before: str | None, after: str) -> None:
    """Write the finding ``unexpected_status`` when ``after`` cannot come after ``before`` (``None``: first seen)."""
    if before is not None and before != after and after not in table.get(before, frozenset()):
        report("unexpected_status", object_id, before=before, after=after)
