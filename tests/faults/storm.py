"""A storm of kills while tenants buy: everything that was paid is booked once, and what was owed is done."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from tests.faults.buyer import Buyer
from tests.faults.machine import Machine
from tests.support import database

MOST_MAILS = 10_000  # of one answer of the sandbox
DRAINED_SECONDS = 60
SIDE_BY_SIDE = 6
PRICE_MINOR = 2900
# How often each part is hit; "request" is one process of the web server, whose master starts another.
WEIGHTS = {"worker": 5, "request": 4, "ticker": 2, "web": 2, "valkey": 3, "postgres": 4}
GAP_SECONDS = (0.2, 1.6)


@dataclass
class Storm:
    """``kills`` parts are killed while ``tenants`` buy ``purchases`` times altogether, by the chance of ``seed``."""

    machine: Machine
    kills: int
    purchases: int
    tenants: int
    seed: int
    say: Callable[[str], None] = print
    killed: Counter[str] = field(default_factory=Counter)
    drained_seconds: float = 0.0
    buyers: list[Buyer] = field(default_factory=list)
    _bought: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)

    def rage(self) -> None:
        """The whole storm, and the calm after it."""
        self.say(f"seed {self.seed}: {self.kills} kills, {self.purchases} purchases, {self.tenants} tenants")
        self.buyers = [Buyer(self.machine.portal, self.machine.portal.person()) for _ in range(self.tenants)]
        for buyer in self.buyers:
            buyer.sign_in()
        self.machine.watch()
        with ThreadPoolExecutor(1) as pool:
            killing = pool.submit(self._kill)
            try:
                self._buy()
            except BaseException:
                self._over.set()
                raise
            killing.result()
        self.drained_seconds = self._calm()

    def _buy(self) -> None:
        """Each tenant's purchases one after the other, several tenants side by side."""
        each, more = divmod(self.purchases, self.tenants)
        times = [each + (number < more) for number in range(self.tenants)]
        with ThreadPoolExecutor(min(SIDE_BY_SIDE, self.tenants)) as pool:
            list(pool.map(self._buy_often, self.buyers, times))

    def _buy_often(self, buyer: Buyer, times: int) -> None:
        for number in range(times):
            purchase = buyer.buy()
            if number + 1 < times:
                buyer.end(purchase)
            with self._lock:
                self._bought += 1
                if self._bought % 50 == 0:
                    self.say(f"{self._bought} purchases, {self.killed.total()} kills")

    def _kill(self) -> None:
        chance = random.Random(self.seed)
        names = list(WEIGHTS)
        while self.killed.total() < self.kills:
            if self._over.wait(chance.uniform(*GAP_SECONDS)):
                return
            if self._is_ahead():
                continue
            name = chance.choices(names, [WEIGHTS[name] for name in names])[0]
            if self.machine.kill(name):  # it may have died by the kill before, and not be back yet
                self.killed[name] += 1

    def _is_ahead(self) -> bool:
        """Kills keep step with the purchases: all at once would fall on processes that have not even started."""
        return self.killed.total() * self.purchases > (self._bought + SIDE_BY_SIDE) * self.kills

    def _calm(self) -> float:
        """Seconds from the last kill or purchase until nothing is owed any more."""
        began = time.monotonic()
        self.machine.portal.await_health()
        sandbox = self.machine.portal.sandbox
        late = {entry["event"] for entry in sandbox.get("deliveries")["data"] if entry["status"] == "pending"}
        for event in late:  # Stripe's next try, which may be an hour away
            sandbox.post("deliveries/redeliver", event=event)
        while True:
            owed = database.open_work(self.machine.portal.settings)
            pending = [entry for entry in sandbox.get("deliveries")["data"] if entry["status"] == "pending"]
            if not owed and not [entry for entry in pending if entry["attempts"] == 0]:
                return time.monotonic() - began
            assert time.monotonic() - began < DRAINED_SECONDS, f"still owed: {owed}, {len(pending)} deliveries"
            time.sleep(0.2)


def verify(storm: Storm) -> dict[str, int]:
    """Nothing lost, nothing doubled, nothing unbooked. Returns the counts of what was compared."""
    assert storm.killed.total() == storm.kills, "fewer were killed than was said"
    paid = {purchase.subscription_id: purchase for buyer in storm.buyers for purchase in buyer.purchases}
    assert len(paid) == storm.purchases
    booked = _rows(
        storm,
        "SELECT s.stripe_subscription_id, i.status, i.amount_paid_minor, i.document_state,"
        " encode(d.sha256, 'hex') AS sha256, p.status AS payment, p.amount_minor"
        " FROM subscriptions s LEFT JOIN invoices i ON i.subscription_id = s.id AND i.tenant_id = s.tenant_id"
        " LEFT JOIN invoice_documents d ON d.invoice_id = i.id AND d.tenant_id = i.tenant_id"
        " LEFT JOIN payments p ON p.invoice_id = i.id AND p.tenant_id = i.tenant_id",
    )
    assert sorted(row["stripe_subscription_id"] for row in booked) == sorted(paid), "one row each: nothing doubled"
    for row in booked:
        purchase = paid[row.pop("stripe_subscription_id")]
        assert row == {
            "status": "paid",
            "amount_paid_minor": PRICE_MINOR,
            "document_state": "ready",
            "sha256": purchase.document_sha256,
            "payment": "paid",
            "amount_minor": PRICE_MINOR,
        }
    stripe = storm.machine.portal.sandbox
    charges = stripe.listed("charges")
    assert Counter(charge["status"] for charge in charges) == {"succeeded": storm.purchases}
    assert not [charge for charge in charges if charge["refunded"]]
    assert sorted(entry["id"] for entry in stripe.listed("subscriptions", status="all")) == sorted(paid)
    assert len(stripe.listed("customers")) == storm.tenants
    return {"booked": len(booked), "charges": len(charges), **_verify_acknowledged(storm), **_verify_mails(storm)}


def _verify_acknowledged(storm: Storm) -> dict[str, int]:
    delivered = {
        entry["event"]
        for entry in storm.machine.portal.sandbox.get("deliveries")["data"]
        if entry["status"] == "delivered"
    }
    stored = {row["id"] for row in _rows(storm, "SELECT id FROM stripe_events")}
    assert delivered <= stored, "an event was acknowledged and is not there"
    assert _rows(storm, "SELECT key, last_error FROM outbox WHERE dead_at IS NOT NULL") == []
    assert _rows(storm, "SELECT id, last_error FROM stripe_objects WHERE parked_at IS NOT NULL") == []
    assert _rows(storm, "SELECT kind, object_id, details FROM drift_findings") == []
    return {"events": len(delivered)}


def _verify_mails(storm: Storm) -> dict[str, int]:
    notices = {
        f"<{row['id']}@127.0.0.1>": row["state"]
        for row in _rows(storm, "SELECT id, state FROM notices WHERE channel = 'mail'")
    }
    letters = storm.machine.portal.sandbox.get(f"mail?limit={MOST_MAILS}")["data"]
    assert len(letters) < MOST_MAILS, "there may be more than were asked for"
    copies = Counter(letter["headers"]["Message-ID"] for letter in letters)
    unsent = [name for name, state in notices.items() if state == "sent" and not copies[name]]
    assert not unsent, "a mail that is said to be sent never arrived"
    assert set(notices.values()) <= {"sent", "overtaken"}
    assert set(copies) <= set(notices)
    repeats = copies.total() - len(copies)
    assert repeats <= storm.killed.total(), "more than one repeat per kill"
    return {"mails": len(copies), "repeats": repeats}


def _rows(storm: Storm, query: str) -> list[dict[str, Any]]:
    return database.as_owner(storm.machine.portal.settings, query)
