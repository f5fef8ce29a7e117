"""Stripe's deliveries: the portal's inbox against a bare view that verifies, inserts one row and commits."""

import itertools
import json
import time
from collections.abc import Iterator
from uuid import uuid4

import stripe

from bench import load
from bench.harness import Row, Sample, interleave
from bench.places import Place, Server, gunicorn, owner_connection
from portal.gateway.client import API_VERSION
from tests.support.database import WEBHOOK_SECRET

SECONDS = 4.0
WARM_UP_SECONDS = 1.5
AIM = 0.8
PATH = "/webhooks/stripe"
_OBJECTS = 1000  # several events name the same object, as in life
_PEER_TABLE = "CREATE TABLE peer_events (id text PRIMARY KEY, type text NOT NULL, payload jsonb NOT NULL)"


def run(at: Place) -> list[Row]:
    """Distinct signed events of 2.5 to 3.6 KB over eight connections."""
    with at.database() as environment:
        with owner_connection(environment) as connection:
            connection.execute(_PEER_TABLE)
        with (
            gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal,
            gunicorn(at, "bench.peers:webhook_app()", environment, settings="bench/gunicorn_peer.py") as peer,
        ):
            for server in (portal, peer):
                _measure(server, WARM_UP_SECONDS)
            seconds = SECONDS * at.share
            rounds = interleave(
                {"subject": lambda: _measure(portal, seconds), "reference": lambda: _measure(peer, seconds)}, at.rounds
            )
    rate, cpu = rounds.ratios(lambda one: one.rate), rounds.ratios(lambda one: one.cpu_per_operation)
    p99 = rounds.ratios(lambda one: one.percentile(99))
    return [
        Row("webhook: deliveries/s ÷ bare view", str(rate), f"≥ {AIM}", rate.median >= AIM, rounds.sides()),
        Row("webhook: CPU ÷ bare view", str(cpu)),
        Row("webhook: p99 ÷ bare view", str(p99)),
    ]


def _measure(server: Server, seconds: float) -> Sample:
    return server.sample(deliveries(), seconds)


def deliveries() -> Iterator[bytes]:
    """Requests with fresh signatures, each of an event that was never sent before."""
    run_id = uuid4().hex[:12]
    for number in itertools.count():
        body = json.dumps(_event(f"evt_{run_id}{number:08}", number))
        header = stripe.WebhookSignature.generate_signature_header(body, WEBHOOK_SECRET, int(time.time()))
        headers = {
            "Host": "127.0.0.1",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Accept": "*/*; q=0.5, application/xml",
            "Cache-Control": "no-cache",
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": header,
        }
        yield load.request("POST", PATH, headers, body.encode())


def _event(event_id: str, number: int) -> dict[str, object]:
    """An event about a subscription, 2.7 to 3.5 KB long."""
    subscription_id = f"sub_1Bench{number % _OBJECTS:010}"
    note = "x" * (37 * number % 400)
    items = [_item(subscription_id, position, note) for position in range(2)]
    subscription = {
        "id": subscription_id,
        "object": "subscription",
        "cancel_at_period_end": False,
        "collection_method": "charge_automatically",
        "created": 1790000000,
        "currency": "usd",
        "customer": f"cus_Bench{number % _OBJECTS:010}",
        "items": {"object": "list", "data": items, "has_more": False, "url": f"/v1/subscription_items?{number}"},
        "latest_invoice": f"in_1Bench{number:012}",
        "livemode": False,
        "metadata": {"tenant_id": str(uuid4())},
        "payment_settings": {"payment_method_options": None, "save_default_payment_method": "on_subscription"},
        "status": "active",
    }
    return {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": int(time.time()),
        "data": {"object": subscription, "previous_attributes": {"status": "incomplete"}},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": f"req_{number:014}", "idempotency_key": str(uuid4())},
        "type": "customer.subscription.updated",
    }


def _item(subscription_id: str, position: int, note: str) -> dict[str, object]:
    price = {
        "id": f"price_1Bench{position:014}",
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": 1780000000,
        "currency": "usd",
        "livemode": False,
        "lookup_key": f"plan_{position}_month",
        "metadata": {},
        "product": f"prod_Bench{position:010}",
        "recurring": {"interval": "month", "interval_count": 1, "meter": None, "usage_type": "licensed"},
        "tax_behavior": "exclusive",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring",
        "unit_amount": 2900,
        "unit_amount_decimal": "2900",
    }
    return {
        "id": f"si_Bench{position:012}",
        "object": "subscription_item",
        "created": 1790000000,
        "current_period_end": 1792592000,
        "current_period_start": 1790000000,
        "discounts": [],
        "metadata": {"note": note},
        "plan": {"id": price["id"], "object": "plan", "amount": 2900, "interval": "month", "usage_type": "licensed"},
        "price": price,
        "quantity": 1,
        "subscription": subscription_id,
        "tax_rates": [],
    }
