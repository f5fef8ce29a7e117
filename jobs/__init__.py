"""Work in the background: one shallow module per kind of work, which registers its functions with the outbox."""

from jobs import (
    adjustments,
    checkouts,
    collection,
    discounts,
    documents,
    mail,
    maintenance,
    metrics,
    plan_changes,
    plans,
    reconcile,
    sources,
    subscriptions,
    taxes,
    usage,
)

__all__ = [
    "adjustments",
    "checkouts",
    "collection",
    "discounts",
    "documents",
    "mail",
    "maintenance",
    "metrics",
    "plan_changes",
    "plans",
    "reconcile",
    "sources",
    "subscriptions",
    "taxes",
    "usage",
]
