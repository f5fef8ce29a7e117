"""The main job as one customer lives it, each step in a process that may die: until the document is in their hands."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import requests
from apiflask import APIFlask
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from portal.outbox.wake import QUEUE, bell
from tests.faults import forks
from tests.faults.disturbed import Disturbed
from tests.faults.forks import Act, Outcome, Report
from tests.faults.world import World
from tests.support import database, people
from tests.support.events import deliver
from tests.support.people import Browser, Person

# Beside one for each point that is armed: a process dies at one after the other.
TRIES = 8
ROUNDS = 14
PRICE_MINOR = 2900
Cookies = list[tuple[str, str]]


@dataclass
class Journey(Disturbed):
    """One purchase by a new tenant."""

    run: Callable[..., Outcome] = forks.run
    person: Person = field(init=False)
    delivered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        with self.world.web.app_context():
            self.person = people.member()
            database.dispose(self.world.web)
        self.began = int(time.time()) - 1
        requests.delete(f"{self.world.sandbox.url}/_sandbox/mail", json={}, timeout=60).raise_for_status()

    def live(self) -> None:
        """Everything from signing in to the document; trying again as people, Stripe and supervisors do."""
        cookies = self._until("cookies", lambda: signing_in(self.person))
        location = self._until("location", lambda: choosing(cookies))
        session_id = self.checkout()["stripe_session_id"]
        assert session_id in location
        self.world.sandbox.pay(session_id)
        self._until("landed", lambda: landing(cookies, str(self.checkout()["id"])))
        self.settle()
        self.download(cookies)

    def download(self, cookies: Cookies) -> None:
        """The invoice's document, of which the hash is kept."""
        self.document = self._until("document", lambda: _downloading(cookies, str(self._invoice_id())))

    def settle(self) -> None:
        """Stripe delivers, workers work and time passes, until nothing is owed any more."""
        for _round in range(ROUNDS + len(self.points)):
            self._stripe_delivers()
            self._worker_works()
            self.world.let_time_pass()
            if not self.world.open_work() and not self.undelivered():
                return
        raise AssertionError(f"still open: {self.world.open_rows()}")

    def _act(self, app: APIFlask, act: Act) -> Outcome:
        outcome = self.run(app, act, armed=self.armed(), while_stalled=lambda: self._others_go_on(app, act))
        self.note(outcome)
        assert outcome.code in (0, -9), "the act itself failed, see above"
        return outcome

    def _others_go_on(self, app: APIFlask, act: Act) -> None:
        """While one process stands still its leases end: the same act once more, and another worker."""
        self.world.let_time_pass()
        for where, what in ((app, act), (self.world.worker, working)):
            outcome = forks.run(where, what)
            self.passed |= set(outcome.passed)

    def _until(self, fact: str, step: Callable[[], Act]) -> Any:
        for _try in range(TRIES + len(self.points)):
            outcome = self._act(self.world.web, step())
            if fact in outcome.facts:
                return outcome.facts[fact][0]
            self.world.let_time_pass()
            self._worker_works()
        raise AssertionError(f"no {fact} after {TRIES + len(self.points)} tries")

    def _stripe_delivers(self) -> None:
        """As Stripe does: again and again, until each event was answered with 2xx."""
        waiting = self.undelivered()
        if waiting:
            outcome = self._act(self.world.web, delivering(waiting))
            self.delivered |= set(outcome.facts.get("acknowledged", []))

    def undelivered(self) -> list[dict[str, Any]]:
        customer = self.stripe_id()
        if not customer:
            return []
        events = self.world.sandbox.listed("events", **{"created[gte]": str(self.began)})
        return [event for event in events if event["id"] not in self.delivered and customer in str(event)]

    def _worker_works(self) -> None:
        self._act(self.world.worker, working)

    def checkout(self) -> dict[str, Any]:
        query = "SELECT * FROM checkouts WHERE tenant_id = :tenant ORDER BY created_at DESC LIMIT 1"
        return self.world.rows(query, tenant=self.person.tenant_id)[0]

    def _invoice_id(self) -> Any:
        return self.world.rows("SELECT id FROM invoices WHERE tenant_id = :tenant", tenant=self.person.tenant_id)[0][
            "id"
        ]

    def stripe_id(self) -> str:
        """The tenant's customer at Stripe, empty before there is one."""
        query = "SELECT stripe_customer_id FROM customers WHERE tenant_id = :tenant"
        found = self.world.rows(query, tenant=self.person.tenant_id)
        return str(found[0]["stripe_customer_id"] or "") if found else ""


def _browser(app: APIFlask, cookies: Cookies = ()) -> Browser:  # type: ignore[assignment]
    client = people.browser(app)
    for name, value in cookies:
        client.set_cookie(name, value)
    return client


def signing_in(person: Person) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        client = _browser(app)
        if client.sign_in(person).status_code == 303:
            report(cookies=[(cookie.key, cookie.value) for cookie in client._cookies.values()])

    return act


def choosing(cookies: Cookies) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        answer = _browser(app, cookies).send("/checkout", "/plans", plan_id="starter", interval="month")
        stripe = app.extensions["settings"].stripe_api_base
        if answer.status_code == 303 and answer.location.startswith(stripe):
            report(location=answer.location)

    return act


def landing(cookies: Cookies, checkout_id: str) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        if _browser(app, cookies).get(f"/checkout/{checkout_id}").status_code == 200:
            report(landed=True)

    return act


def _downloading(cookies: Cookies, invoice_id: str) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        answer = _browser(app, cookies).get(f"/invoices/{invoice_id}/document.pdf")
        if answer.status_code == 200:
            report(document=sha256(answer.data).hexdigest())

    return act


def delivering(events: list[dict[str, Any]]) -> Act:
    def act(app: APIFlask, report: Report) -> None:
        client = _browser(app)
        for event in events:
            if deliver(client, event).status_code == 200:
                report(acknowledged=event["id"])

    return act


def working(app: APIFlask, _report: Report) -> None:
    """A worker that starts, is rung, and ends when nothing is left in its queue."""
    bell().ring()
    queue = Queue(QUEUE, connection=bell().redis, serializer=JSONSerializer)
    SimpleWorker([queue], connection=bell().redis, serializer=JSONSerializer).work(burst=True, logging_level="ERROR")


def warm_up(world: World) -> None:
    """One journey in this process: what it imports, compiles and reads need not be done again by each fork."""
    Journey(world, run=forks.here).live()
    for app in (world.web, world.worker):
        with app.app_context():
            bell().redis.close()
            database.dispose(app)


def verify(journey: Journey) -> None:
    """One of everything, here, at Stripe and in the mailbox, and nothing that is owed, dead or unexplained."""
    world, tenant = journey.world, journey.person.tenant_id
    tables = ("subscriptions", "invoices", "invoice_lines", "payments", "invoice_documents", "checkouts", "customers")
    counts = {
        table: world.rows(f"SELECT count(*) AS n FROM {table} WHERE tenant_id = :t", t=tenant)[0]["n"]  # noqa: S608
        for table in tables
    }
    assert counts == dict.fromkeys(tables, 1)
    state = world.rows(
        "SELECT s.status, i.status AS invoice, i.amount_paid_minor, i.document_state, p.status AS payment,"
        " p.amount_minor, encode(d.sha256, 'hex') AS sha256"
        " FROM subscriptions s JOIN invoices i USING (tenant_id) JOIN payments p USING (tenant_id)"
        " JOIN invoice_documents d USING (tenant_id) WHERE s.tenant_id = :t",
        t=tenant,
    )
    assert state == [
        {
            "status": "active",
            "invoice": "paid",
            "amount_paid_minor": PRICE_MINOR,
            "document_state": "ready",
            "payment": "paid",
            "amount_minor": PRICE_MINOR,
            "sha256": journey.document,
        }
    ]
    assert world.rows("SELECT key, last_error FROM outbox WHERE dead_at IS NOT NULL") == []
    assert world.rows("SELECT kind, object_id, details FROM drift_findings") == []
    assert world.rows("SELECT id, last_error FROM stripe_objects WHERE parked_at IS NOT NULL") == []
    _verify_at_stripe(journey)
    _verify_mails(journey)


def _verify_at_stripe(journey: Journey) -> None:
    listed = journey.world.sandbox.listed
    customer = journey.stripe_id()
    tenant = str(journey.person.tenant_id)
    customers = [entry["id"] for entry in listed("customers") if entry["metadata"].get("tenant_id") == tenant]
    assert customers == [customer]
    assert [entry["status"] for entry in listed("subscriptions", customer=customer, status="all")] == ["active"]
    charges = listed("charges", customer=customer)
    assert [(entry["status"], entry["amount"], entry["refunded"]) for entry in charges] == [
        ("succeeded", PRICE_MINOR, False)
    ]
    assert [entry["status"] for entry in listed("invoices", customer=customer)] == ["paid"]
    sessions = listed("checkout/sessions", customer=customer)
    assert [entry["status"] for entry in sessions] == ["complete"]


def _verify_mails(journey: Journey) -> None:
    query = "SELECT id, kind, state, recipient FROM notices WHERE tenant_id = :t AND channel = 'mail'"
    notices = journey.world.rows(query, t=journey.person.tenant_id)
    assert {notice["state"] for notice in notices} == {"sent"}
    names = {f"<{notice['id']}@127.0.0.1>" for notice in notices}
    every_letter = journey.world.sandbox.get("mail")["data"]
    letters = [entry for entry in every_letter if entry["headers"]["Message-ID"] in names]
    copies = Counter(entry["headers"]["Message-ID"] for entry in letters)
    assert set(copies) == names, "each notice went out, under a Message-ID of its own"
    assert sum(copies.values()) - len(copies) <= journey.faults, "at most one repeat per fault"
    assert sum(bool(entry["attachments"]) for entry in letters) >= 1
