"""What one customer lives, each step in a process that may die, and what can be asked of it afterwards."""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
from apiflask import APIFlask

from portal import tenancy
from tests.faults.acts import Cookies, choosing, delivering, downloading, landing, signing_in
from tests.faults.disturbed import Disturbed
from tests.faults.forks import Act, Outcome
from tests.support import database, keys, people
from tests.support.people import Person
from tests.support.sandbox import AUTH

# Beside one for each point that is armed: a process dies at one after the other.
TRIES = 8
ROUNDS = 14
Found = Callable[[Outcome], Any]


@dataclass
class Journey(Disturbed):
    """What happens to a new tenant."""

    person: Person = field(init=False)
    cookies: Cookies = field(init=False)
    delivered: set[str] = field(default_factory=set)
    document: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.world.web.app_context():
            self.person = people.member()
            database.dispose(self.world.web)
        self.began = int(time.time()) - 1
        self.world.sandbox.forget("mail")

    # What the customer does

    def sign_in(self) -> None:
        self.cookies = self.until("cookies", lambda: signing_in(self.person))

    def choose(self, plan: str = "starter") -> str:
        """Choose a plan that costs; returns the id of the session to be paid."""
        location = self.until("location", lambda: choosing(self.cookies, plan))
        session_id = str(self.checkout()["stripe_session_id"])
        assert session_id in location
        return session_id

    def buy(self) -> None:
        """Choose, pay and come back."""
        self.world.sandbox.pay(self.choose())
        self.until("landed", lambda: landing(self.cookies, str(self.checkout()["id"])))

    def download(self) -> None:
        """The invoice's document, of which the hash is kept."""
        invoice_id = str(self.of_tenant("SELECT id FROM invoices WHERE tenant_id = :tenant")[0]["id"])
        self.document = self.until("document", lambda: downloading(self.cookies, invoice_id))

    def until(self, found: str | Found, step: Callable[[], Act], app: APIFlask | None = None) -> Any:
        """Do ``step`` until ``found`` says what came of it: the name of a reported fact, or a look of its own.

        ``app``: whose process does it; the web's unless given.
        """
        look: Found = found if callable(found) else lambda outcome: outcome.facts.get(found, [None])[0]
        for _try in range(TRIES + len(self.points)):
            if result := look(self.act(app or self.world.web, step())):
                return result
            self.world.let_time_pass()
            self.worker_works()
        raise AssertionError(f"no {found} after {TRIES + len(self.points)} tries")

    # What happens beside

    def settle(self) -> None:
        """Stripe delivers, workers work and time passes, until nothing is owed any more."""
        for _round in range(ROUNDS + len(self.points)):
            self._stripe_delivers()
            self.worker_works()
            self.world.let_time_pass()
            if not self.world.open_work() and not self.undelivered():
                return
        raise AssertionError(f"still open: {self.world.open_rows()}")

    def at_stripe(self, path: str, **form: str) -> dict[str, Any]:
        """What support does in Stripe's dashboard."""
        answer = requests.post(f"{self.world.sandbox.url}/v1/{path}", form, auth=AUTH, timeout=60)
        answer.raise_for_status()
        return dict(answer.json())

    def subscribe_at_stripe(self, price_id: str) -> str:
        """A subscription for this customer that nobody chose on our pages; returns its id."""
        customer = self.stripe_id()
        self.at_stripe("payment_methods/pm_card_visa/attach", customer=customer)
        methods = self.world.sandbox.listed(f"customers/{customer}/payment_methods")
        form = {"customer": customer, "items[0][price]": price_id, "default_payment_method": methods[0]["id"]}
        return str(self.at_stripe("subscriptions", **form)["id"])

    def make_key(self, *scopes: str) -> str:
        """An API key of the tenant."""
        with self.world.web.app_context(), tenancy.bound(self.person.tenant_id):
            token = keys.made(scopes, actor=self.person.user_id)
            database.dispose(self.world.web)
        return token

    def _stripe_delivers(self) -> None:
        """As Stripe does: again and again, until each event was answered with 2xx."""
        waiting = self.undelivered()
        if waiting:
            outcome = self.act(self.world.web, delivering(waiting))
            self.delivered |= set(outcome.facts.get("acknowledged", []))

    def undelivered(self) -> list[dict[str, Any]]:
        customer = self.stripe_id()
        if not customer:
            return []
        events = self.world.sandbox.listed("events", **{"created[gte]": str(self.began)})
        return [event for event in events if event["id"] not in self.delivered and customer in str(event)]

    # What is there

    def of_tenant(self, query: str, **values: Any) -> list[dict[str, Any]]:
        """Rows for the tenant, which the query calls ``:tenant``."""
        return self.world.rows(query, tenant=self.person.tenant_id, **values)

    def count(self, *tables: str) -> dict[str, int]:
        query = "SELECT count(*) AS n FROM {} WHERE tenant_id = :tenant"
        return {table: self.of_tenant(query.format(table))[0]["n"] for table in tables}

    def audited(self, verb: str) -> int:
        """How often the tenant's chain tells of an act."""
        query = "SELECT count(*) AS n FROM audit_entries WHERE tenant_id = :tenant AND verb = :verb"
        return int(self.of_tenant(query, verb=verb)[0]["n"])

    def checkout(self) -> dict[str, Any]:
        """The newest one."""
        query = "SELECT * FROM checkouts WHERE tenant_id = :tenant ORDER BY created_at DESC, id DESC LIMIT 1"
        found = self.of_tenant(query)
        return found[0] if found else {}

    def stripe_id(self) -> str:
        """The tenant's customer at Stripe, empty before there is one."""
        found = self.of_tenant("SELECT stripe_customer_id FROM customers WHERE tenant_id = :tenant")
        return str(found[0]["stripe_customer_id"] or "") if found else ""

    # What has to be right after every journey

    def verify_nothing_is_left(self, *findings: str) -> None:
        """Nothing owed, dead or parked, no finding but these kinds, once each; one customer at Stripe."""
        world = self.world
        assert world.rows("SELECT key, last_error FROM outbox WHERE dead_at IS NOT NULL") == []
        found = world.rows("SELECT kind, object_id, details FROM drift_findings")
        assert sorted(row["kind"] for row in found) == sorted(findings), found
        parked = world.rows("SELECT id, last_error FROM stripe_objects WHERE parked_at IS NOT NULL")
        assert len(parked) == findings.count("parked_object"), parked
        tenant = str(self.person.tenant_id)
        customers = [each["id"] for each in world.sandbox.listed("customers") if is_of(each, tenant)]
        assert customers == [found for found in [self.stripe_id()] if found]

    def verify_mails(self) -> None:
        """Each notice went out under a Message-ID of its own, with at most one repeat per fault."""
        query = "SELECT id, kind, state, recipient FROM notices WHERE tenant_id = :tenant AND channel = 'mail'"
        notices = self.of_tenant(query)
        assert {notice["state"] for notice in notices} <= {"sent"}, notices
        names = {f"<{notice['id']}@127.0.0.1>" for notice in notices}
        every_letter = self.world.sandbox.get("mail")["data"]
        copies = Counter(each["headers"]["Message-ID"] for each in every_letter)
        copies = Counter({name: count for name, count in copies.items() if name in names})
        assert set(copies) == names, "each notice went out, under a Message-ID of its own"
        assert copies.total() - len(copies) <= self.faults, "at most one repeat per fault"


def is_of(resource: dict[str, Any], tenant: str) -> bool:
    return bool(resource["metadata"].get("tenant_id") == tenant)
