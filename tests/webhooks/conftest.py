"""The webhook route alone, and purchases of which Stripe has told nothing yet."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from flask import Flask

from blueprints import webhooks
from portal.app import create_app
from portal.models import Checkout
from tests.support import database
from tests.support.events import events_of
from tests.support.sandbox import Sandbox
from tests.support.shopping import make_tenant, start


@pytest.fixture(name="hooks")
def fixture_hooks(settings) -> Iterator[Flask]:
    """The web app with the webhook routes only."""
    app = create_app("web", settings=settings, blueprints=[webhooks.bp])
    with app.app_context():
        yield app
        database.dispose(app)


@dataclass(frozen=True)
class Purchase:
    """A tenant, its checkout paid at Stripe, and the events that Stripe would send; none delivered yet."""

    tenant_id: UUID
    checkout: Checkout
    customer_id: str
    events: list[dict[str, Any]]


def purchase(hooks: Flask, sandbox: Sandbox, **pay: Any) -> Purchase:
    tenant_id = make_tenant()
    checkout = start(tenant_id)
    session = sandbox.pay(str(checkout.stripe_session_id), **pay)
    events = events_of(hooks.extensions["settings"].stripe_api_base, session["customer"])
    return Purchase(tenant_id, checkout, session["customer"], events)
