"""Routes, one module per resource: load, parse, one verb, render. ``wsgi.py`` composes them."""

from blueprints import (
    account,
    cancellations,
    checkout,
    coupons,
    invoices,
    ops,
    payment_methods,
    payments,
    plan_changes,
    plans,
    preferences,
    sign_in,
    staff,
    subscription,
    webhooks,
)

PAGES = (
    subscription.bp,
    cancellations.bp,
    plans.bp,
    plan_changes.bp,
    checkout.bp,
    coupons.bp,
    invoices.bp,
    payments.bp,
    payment_methods.bp,
    sign_in.bp,
    account.bp,
    preferences.bp,
    staff.bp,
    webhooks.bp,
    ops.bp,
)
