"""Whatever order, however often, however many at once: the same rows in the end."""

import itertools
import json
import os
import random
import threading
import time

import pytest
from sqlalchemy import select

from blueprints import webhooks
from portal import tenancy
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.mirror import dispatch as mirror
from portal.models import Checkout
from tests.support import database
from tests.support.events import PATH, deliver, events_of, sign
from tests.support.ledger import Ledger
from tests.support.shopping import make_tenant, start
from tests.support.state import EXPECTED, state
from tests.support.threads import app_of, side_by_side
from tests.webhooks.conftest import Purchase, purchase

# The five whose order is told of in every bug report about Stripe.
FIVE = (
    "payment_method.attached",
    "customer.subscription.created",
    "invoice.paid",
    "customer.subscription.updated",
    "checkout.session.completed",
)
# Some 0.3 s of CPU each: every run of the suite tries others, and ORDERS=120 SHUFFLES=1000 is the whole demonstration.
ALL_ORDERS = 120
ORDERS = int(os.environ.get("ORDERS", "21"))
SHUFFLES = int(os.environ.get("SHUFFLES", "20"))
REPEATED = 0.3
ANSWER_SECONDS = 6


class Postman:
    """Delivers events to the route, and lets the mirror work as much as one wants between."""

    def __init__(self, hooks, worker, ledger: Ledger) -> None:
        self._client = hooks.test_client()
        self._worker = worker
        self.ledger = ledger

    def send(self, body: str) -> None:
        # Signed when it is sent: a signature is good for five minutes.
        answer = self._client.post(PATH, data=body, headers={"Stripe-Signature": sign(body)})
        assert answer.status_code == 200

    def work(self, steps: int) -> None:
        """So many objects are read and applied, if there are."""
        with self._worker.app_context():
            for _ in range(steps):
                if not mirror.run_next():
                    break

    def finish(self) -> None:
        """All that is wanted is read; what waits for its time is not waited for."""
        for _ in range(30):
            self.work(100)
            if not self.ledger.make_due():
                return
        raise AssertionError("the mirror does not come to an end")


@pytest.fixture(name="ledger")
def fixture_ledger(settings):
    ledger = Ledger(settings)
    yield ledger
    ledger.close()


@pytest.fixture(name="postman")
def fixture_postman(hooks, worker, ledger):
    return Postman(hooks, worker, ledger)


def told_in_order(postman: Postman, bodies: list[str]) -> dict[str, list[str]]:
    """The rows when everything comes once, in Stripe's order, and each is applied before the next comes."""
    postman.ledger.save()
    for body in bodies:
        postman.send(body)
        postman.finish()
    rows = postman.ledger.rows()
    postman.ledger.restore()
    return rows


def told_otherwise(postman: Postman, bodies: list[str], number: int) -> dict[str, list[str]]:
    """The rows when they come in this order: before the next the mirror catches up, reads one object, or waits."""
    for body in bodies:
        postman.send(body)
        if number % 6 == 0:
            postman.finish()
        elif number % 2:
            postman.work(1)
    postman.finish()
    rows = postman.ledger.rows()
    postman.ledger.restore()
    return rows


def differences(found: dict[str, list[str]], expected: dict[str, list[str]]) -> dict[str, object]:
    return {
        table: {"more": sorted(set(found[table]) - set(rows)), "fewer": sorted(set(rows) - set(found[table]))}
        for table, rows in expected.items()
        if found[table] != rows
    }


def ended(hooks, made: Purchase) -> list[dict]:
    """The events of a purchase and of its end: cancelled at Stripe at once."""
    subscription = next(event for event in made.events if event["type"] == "customer.subscription.created")
    gateway().write(lambda s: s.v1.subscriptions.cancel(subscription["data"]["object"]["id"]))
    return events_of(hooks.extensions["settings"].stripe_api_base, made.customer_id)


def test_every_order_of_five_events_of_the_path(hooks, postman, stripe_sandbox):
    """Of 120 orders so many."""
    made = purchase(hooks, stripe_sandbox)
    by_type = {event["type"]: json.dumps(event) for event in made.events}
    expected = told_in_order(postman, [by_type[name] for name in FIVE])
    assert len(expected["subscriptions"]) == len(expected["invoices"]) == len(expected["payments"]) == 1
    every = list(enumerate(itertools.permutations(FIVE)))
    for number, order in random.SystemRandom().sample(every, ORDERS):
        assert differences(told_otherwise(postman, [by_type[name] for name in order], number), expected) == {}, order


def test_every_order_of_one_to_four_of_them(hooks, postman, stripe_sandbox):
    """The others never come: of 205 orders a third of ORDERS, or all; orders of the same events end the same."""
    made = purchase(hooks, stripe_sandbox)
    by_type = {event["type"]: json.dumps(event) for event in made.events}
    every = list(enumerate(order for count in range(1, len(FIVE)) for order in itertools.permutations(FIVE, count)))
    assert len(every) == 205
    expected: dict[frozenset[str], dict[str, list[str]]] = {}
    for number, order in every if ORDERS >= ALL_ORDERS else random.SystemRandom().sample(every, ORDERS // 3):
        came = frozenset(order)
        if came not in expected:
            expected[came] = told_in_order(postman, [by_type[name] for name in FIVE if name in came])
            assert len(expected[came]["stripe_events"]) == len(order)
        found = told_otherwise(postman, [by_type[name] for name in order], number)
        assert differences(found, expected[came]) == {}, order


@pytest.mark.usefixtures("pdf")
def test_every_order_of_three_to_the_document_and_the_mail(hooks, stripe_sandbox, drain):
    wanted = ("customer.subscription.created", "customer.subscription.updated", "invoice.paid")
    client = hooks.test_client()
    for order in itertools.permutations(wanted):
        made = purchase(hooks, stripe_sandbox)
        by_type = {event["type"]: event for event in made.events}
        for name in order:
            deliver(client, by_type[name])
            drain()
        assert state(made.tenant_id) == EXPECTED, order


@pytest.mark.parametrize("story", ["paid", "ended"])
def test_a_thousand_shuffles_with_repeats(hooks, postman, stripe_sandbox, story):
    """All events, three tenths of them twice, at random; now and then the mirror reads a few objects between."""
    made = purchase(hooks, stripe_sandbox)
    events = made.events if story == "paid" else ended(hooks, made)
    bodies = [json.dumps(event) for event in events]
    expected = told_in_order(postman, bodies)
    first = random.SystemRandom().randrange(10**9)
    for seed in range(first, first + SHUFFLES // 2):
        dice = random.Random(seed)
        deck = bodies + dice.sample(bodies, k=round(len(bodies) * REPEATED))
        dice.shuffle(deck)
        for body in deck:
            postman.send(body)
            if dice.random() < 0.2:
                postman.work(dice.randint(1, 3))
        postman.finish()
        assert differences(postman.ledger.rows(), expected) == {}, f"seed {seed}"
        postman.ledger.restore()


def test_two_events_for_one_fact(hooks, postman, stripe_sandbox):
    """Stripe may make two events of one fact: all rows but the inbox are those of one."""
    made = purchase(hooks, stripe_sandbox)
    expected = told_in_order(postman, [json.dumps(event) for event in made.events])
    for event in made.events:
        postman.send(json.dumps(event))
        postman.send(json.dumps({**event, "id": event["id"] + "twin"}))
        postman.work(1)
    postman.finish()
    found = postman.ledger.rows()
    assert len(found.pop("stripe_events")) == 2 * len(expected.pop("stripe_events"))
    assert differences(found, expected) == {}


def test_eight_threads_deliver_three_events_of_one_object(settings, hooks, postman, ledger, stripe_sandbox):
    """While two workers mirror what came so far."""
    made = purchase(hooks, stripe_sandbox)
    events = [event for event in made.events if event["type"].startswith("invoice.")][:3]
    expected = told_in_order(postman, [json.dumps(event) for event in events])
    answers: list[int] = []
    all_sent = threading.Event()

    def send() -> None:
        app = app_of("web", settings=settings, blueprints=[webhooks.bp])
        answers.extend(deliver(app.test_client(), event).status_code for event in events)
        with app.app_context():
            database.dispose(app)

    def send_all() -> None:
        try:
            side_by_side(*[send] * 8)
        finally:
            all_sent.set()

    def work() -> None:
        app = app_of("worker", settings=settings)
        with app.app_context():
            while not all_sent.is_set():
                mirror.run_next()
            database.dispose(app)

    side_by_side(send_all, work, work)
    assert answers == [200] * 24
    postman.finish()
    assert differences(ledger.rows(), expected) == {}


@pytest.mark.usefixtures("pdf")
def test_the_webhooks_beat_the_answer_to_our_own_call(settings, hooks, stripe_sandbox, drain):
    """Somebody pays so fast that all events are here before the checkout knows its session."""
    tenant_id = make_tenant()
    stripe_sandbox.post("fail", match="POST /v1/checkout/sessions", mode="delay_after_effect", seconds=ANSWER_SECONDS)

    def choose() -> None:
        app = app_of("web", settings=settings)
        with app.app_context():
            start(tenant_id)
            database.dispose(app)

    request, asked_at = threading.Thread(target=choose), time.monotonic()
    request.start()
    session = _session_of(tenant_id)
    paid = stripe_sandbox.pay(session["id"])
    for event in events_of(settings.stripe_api_base, paid["customer"]):
        deliver(hooks.test_client(), event)
    drain()
    with tenancy.bound(tenant_id):
        before = db.session.scalars(select(Checkout)).one()
        if time.monotonic() - asked_at < ANSWER_SECONDS:  # else this machine was too slow to see it
            assert (before.state, before.stripe_session_id) == ("preparing", None)
    request.join()
    for _ in range(100):
        drain()
        if state(tenant_id) == EXPECTED:
            break
        time.sleep(0.1)
    assert state(tenant_id) == EXPECTED
    with tenancy.bound(tenant_id):
        assert db.session.scalars(select(Checkout.state)).one() == "complete"


def _session_of(tenant_id) -> dict:
    """The session that the request is making at Stripe, as soon as it is there."""
    for _ in range(200):
        with tenancy.bound(tenant_id):
            checkout_id = db.session.scalars(select(Checkout.id)).first()
        listed = as_dict(gateway().read(lambda s: s.v1.checkout.sessions.list({"limit": 10})))["data"]
        for found in listed:
            if checkout_id is not None and found["client_reference_id"] == str(checkout_id):
                return found
        time.sleep(0.05)
    raise AssertionError("no session was made")
