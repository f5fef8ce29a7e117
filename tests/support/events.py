"""Stripe's deliveries in tests: taken from the sandbox's event list, signed and handed to the webhook route."""

import json
import time
from typing import Any

import stripe
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.database import WEBHOOK_SECRET
from tests.support.sandbox import listed

PATH = "/api/v1/webhooks/stripe"


def sign(body: str, secret: str = WEBHOOK_SECRET, at: int | None = None) -> str:
    """The ``Stripe-Signature`` header of a delivery made at ``at`` (unix seconds, default now)."""
    return stripe.WebhookSignature.generate_signature_header(body, secret, at or int(time.time()))


def deliver(client: FlaskClient, event: dict[str, Any], *, path: str = PATH) -> TestResponse:
    """Hand one event to the portal as Stripe would."""
    body = json.dumps(event)
    return client.post(path, data=body, headers={"Stripe-Signature": sign(body), "Content-Type": "application/json"})


def events_of(api_base: str, customer_id: str) -> list[dict[str, Any]]:
    """All events about one customer, oldest first, exactly as they are on the wire."""
    return [event for event in reversed(listed(api_base, "events")) if customer_id in json.dumps(event)]
