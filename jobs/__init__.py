"""Work in the background: one shallow module per kind of work, which registers its functions with the outbox."""

from jobs import checkouts, documents, mail, maintenance, metrics, plan_changes, plans, reconcile, subscriptions

__all__ = [
    "checkouts",
    "documents",
    "mail",
    "maintenance",
    "metrics",
    "plan_changes",
    "plans",
    "reconcile",
    "subscriptions",
]
