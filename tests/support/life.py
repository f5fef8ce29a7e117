"""A tenant that lives on a test clock of its own: months go by in a moment, and the portal hears of each event."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any
from uuid import UUID

import requests
import stripe
from apiflask import APIFlask

from portal import tenancy
from portal.billing.subscriptions import latest_subscription
from portal.extensions import db
from portal.gateway import inbox
from portal.models import Customer, Subscription
from tests.support.sandbox import AUTH, TIMEOUT, Sandbox
from tests.support.shopping import buy, land, make_tenant, start

SECRET = "whsec_life"


@dataclass
class Life:
    """One tenant. ``web`` is the app whose context is pushed; ``drain`` does what the workers owe."""

    web: APIFlask
    sandbox: Sandbox
    drain: Callable[[], int]
    tenant_id: UUID = field(default_factory=make_tenant)
    _newest: str = ""  # the newest event that was heard of; those before this life are nobody's here

    def __post_init__(self) -> None:
        self._newest = next(self._events(limit=1), {"id": ""})["id"]

    def buy(self, plan: str = "starter") -> None:
        """The main job, with a good card."""
        buy(self.tenant_id, self.sandbox, self.drain, plan)
        self.hear()

    def start(self, plan: str = "starter", interval: str = "month") -> Any:
        """A checkout, not yet paid."""
        return start(self.tenant_id, plan, interval)

    def land(self, checkout: Any) -> None:
        """Back from Stripe's page, with all that follows from it."""
        land(self.tenant_id, checkout)
        self.hear()

    @property
    def customer(self) -> Customer:
        with tenancy.bound(self.tenant_id):
            return db.session.get_one(Customer, self.tenant_id)

    @property
    def subscription(self) -> Subscription:
        """The one that lives, else the one that ended last."""
        with tenancy.bound(self.tenant_id):
            found = latest_subscription()
        assert found is not None
        return found

    @property
    def now(self) -> datetime:
        """The clock's time at Stripe."""
        return datetime.fromtimestamp(self._clock()["frozen_time"], UTC)

    def advance(self, **span: float) -> None:
        """Let time go by (``days=30``, ``hours=1``), and hear of all that happened."""
        self.advance_to(self.now + timedelta(**span))

    def advance_to(self, moment: datetime) -> None:
        """Two months at most at once, as Stripe has it for a monthly subscription."""
        while (ahead := moment - self.now) > timedelta(0):
            to = int((self.now + min(ahead, timedelta(days=55))).timestamp())
            self._post(f"test_helpers/test_clocks/{self.customer.stripe_test_clock_id}/advance", frozen_time=to)
            until = time.monotonic() + TIMEOUT
            while self._clock()["status"] != "ready":
                assert time.monotonic() < until, "the clock does not get there"
                time.sleep(0.02)
            self.hear()

    def hear(self) -> None:
        """Deliver each event of this customer that was not delivered yet, oldest first, and do what follows."""
        customer_id = self.customer.stripe_customer_id
        mine = {customer_id, self.customer.stripe_test_clock_id}
        new = list(takewhile(lambda event: event["id"] != self._newest, self._events()))
        for event in reversed(new):
            self._newest = event["id"]
            named = event["data"]["object"]
            if mine & {named.get("customer"), named["id"]}:
                self.deliver(event)
        tenancy.fresh()
        self.drain()

    def deliver(self, event: dict[str, Any]) -> None:
        """One event, signed, as Stripe would bring it."""
        body = json.dumps(event)
        sign = stripe.WebhookSignature.generate_signature_header
        inbox.receive(body.encode(), sign(body, SECRET, int(time.time())), secrets=[SECRET], livemode=False)
        tenancy.fresh()

    def _events(self, limit: int = 100) -> Iterator[dict[str, Any]]:
        """Stripe's list, the newest first; a test session has thousands, of which the last few are of interest."""
        more: dict[str, Any] = {}
        while True:
            page = self.get("events", limit=limit, **more)
            yield from page["data"]
            if not page["has_more"]:
                return
            more = {"starting_after": page["data"][-1]["id"]}

    def _clock(self) -> Any:
        return self.get(f"test_helpers/test_clocks/{self.customer.stripe_test_clock_id}")

    def get(self, path: str, **params: Any) -> Any:
        """What Stripe itself says."""
        answer = requests.get(f"{self.sandbox.url}/v1/{path}", params, auth=AUTH, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, **form: Any) -> Any:
        answer = requests.post(f"{self.sandbox.url}/v1/{path}", form, auth=AUTH, timeout=TIMEOUT)
        assert answer.ok, answer.text
        return answer.json()
