"""Payment methods, and an invoice that the default one cannot pay: the backup does, then somebody does by hand."""

from contextlib import suppress
from typing import Any

import requests

from tests.faults.acts import filling, looking, posting
from tests.faults.forks import Outcome
from tests.faults.journey import Journey
from tests.faults.journeys.purchase import PRICE_MINOR

FAILS_WHEN_CHARGED = "4000000000000341"
LIST = "/payment-methods"
BY_BACKUP, BY_HAND = 500, 600


class Owing(Journey):
    """A card is added that pays nothing, and made the default; two invoices are paid with the other one."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.buy()
            self.settle()
        good = self._methods()[0]
        self._leave_a_setup()
        self._add()
        bad = next(method for method in self._methods() if method != good)
        self._choose("default", bad)
        self._choose("backup", good)
        self._owe(BY_BACKUP)
        self.settle()
        self.until(lambda _: not self._customer()["backup"], lambda: posting(self.cookies, f"{LIST}/no-backup", LIST))
        self._owe(BY_HAND)
        self._pay(good)
        self.settle()
        self.until(
            lambda _: self._methods() == [good], lambda: posting(self.cookies, f"{LIST}/{bad['id']}/remove", LIST)
        )
        self.settle()

    def _leave_a_setup(self) -> None:
        """Off to Stripe, and back without having entered anything."""
        setup = self._begin()
        left = f"{LIST}/setups/{setup['id']}/back"
        self.until(lambda _: self._setup()["state"] != "open", lambda: looking(self.cookies, left))
        self.settle()

    def _add(self) -> None:
        setup = self._begin()
        self.world.sandbox.pay(setup["stripe_session_id"], FAILS_WHEN_CHARGED)
        self.until("status", lambda: looking(self.cookies, f"{LIST}/setups/{setup['id']}"))
        self.settle()

    def _begin(self) -> dict[str, Any]:
        def opened(_outcome: Outcome) -> Any:
            newest = self._setup()
            return newest if newest and newest["state"] == "open" else None

        return dict(self.until(opened, lambda: posting(self.cookies, LIST, LIST)))

    def _setup(self) -> dict[str, Any]:
        query = (
            "SELECT id, state, stripe_session_id FROM method_setups WHERE tenant_id = :tenant ORDER BY id DESC LIMIT 1"
        )
        return next(iter(self.of_tenant(query)), {})

    def _choose(self, place: str, method: dict[str, Any]) -> None:
        url = f"{LIST}/{method['id']}/{place}"
        self.until(
            lambda _: self._customer()[place] == method["stripe_payment_method_id"],
            lambda: posting(self.cookies, url, LIST),
        )
        self.settle()

    def _owe(self, amount_minor: int) -> None:
        """Somebody charges for something in Stripe's dashboard."""
        customer = self.stripe_id()
        self.at_stripe("invoiceitems", customer=customer, amount=str(amount_minor), currency="usd")
        made = self.at_stripe("invoices", customer=customer, pending_invoice_items_behavior="include")
        self.at_stripe(f"invoices/{made['id']}/finalize")
        with suppress(requests.HTTPError):  # 402: the card is declined, which Stripe counts as its first try
            self.at_stripe(f"invoices/{made['id']}/pay")
        self.settle()

    def _pay(self, method: dict[str, Any]) -> None:
        query = "SELECT id FROM invoices WHERE tenant_id = :tenant AND total_minor = :amount"
        page = f"/invoices/{self.of_tenant(query, amount=BY_HAND)[0]['id']}/pay"
        form = {"method_id": str(method["id"]), "makes_default": "y"}
        self.until(lambda _: "paid" in self._by_hand(), lambda: filling(self.cookies, page, page, **form))

    def _methods(self) -> list[dict[str, Any]]:
        return self.of_tenant(
            "SELECT id, stripe_payment_method_id FROM payment_methods"
            " WHERE tenant_id = :tenant AND detached_at IS NULL ORDER BY id"
        )

    def _customer(self) -> dict[str, Any]:
        query = (
            'SELECT default_payment_method AS "default", backup_payment_method AS backup'
            " FROM customers WHERE tenant_id = :tenant"
        )
        return self.of_tenant(query)[0]

    def _by_hand(self) -> list[str]:
        query = "SELECT state FROM collection_attempts WHERE tenant_id = :tenant AND source = 'hand' ORDER BY id"
        return [row["state"] for row in self.of_tenant(query)]

    def verify(self) -> None:
        """Everything is paid once, by the good card, which is the default again here and at Stripe."""
        self.verify_nothing_is_left()
        [good] = self._methods()
        assert self._customer() == {"default": good["stripe_payment_method_id"], "backup": None}
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        charges = [each["amount"] for each in listed("charges", customer=customer) if each["status"] == "succeeded"]
        assert sorted(charges) == [BY_BACKUP, BY_HAND, PRICE_MINOR]
        assert {each["status"] for each in listed("invoices", customer=customer)} == {"paid"}
        assert {row["status"] for row in self.of_tenant(_INVOICES)} == {"paid"}
        query = "SELECT source, state FROM collection_attempts WHERE tenant_id = :tenant ORDER BY id"
        assert [tuple(row.values()) for row in self.of_tenant(query)] == [("backup", "paid"), ("hand", "paid")]
        assert [self.audited(f"method_setup.{verb}") for verb in ("start", "abandon", "complete")] == [2, 1, 1]
        self.verify_mails()


_INVOICES = "SELECT status FROM invoices WHERE tenant_id = :tenant"
