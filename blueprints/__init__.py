"""Routes, one module per resource: load, parse, one verb, render. ``wsgi.py`` composes them."""

from blueprints import (
    account,
    checkout,
    invoices,
    ops,
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
    plans.bp,
    plan_changes.bp,
    checkout.bp,
    invoices.bp,
    sign_in.bp,
    account.bp,
    preferences.bp,
    staff.bp,
    webhooks.bp,
    ops.bp,
)
