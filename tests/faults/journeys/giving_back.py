"""Staff give money back: a refund, a credit note, a credit that two people decide; and a payer who disputes."""

from typing import Any
from uuid import UUID

from portal.billing import adjustment_previews
from portal.billing.adjustments import Request
from portal.ids import uuid7
from tests.faults.acts import Cookies, posting, signing_in
from tests.faults.journey import Found, Journey
from tests.faults.journeys.purchase import PRICE_MINOR
from tests.support import database, people

POLICY = "/staff/money-policy"
_AS_IT_WAS = (
    "UPDATE settings SET second_person_above = 500, dispute_opened_action = 'nothing',"
    " dispute_lost_action = 'nothing' RETURNING 1"
)
REFUND_MINOR, CREDIT_MINOR, BALANCE_MINOR, DISPUTED_MINOR = 900, 500, 700, 4300


class GivingBack(Journey):
    """Each act once, however often it is sent; nothing without its second person."""

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.world.web.app_context():
            self.keepers = [people.staff("finance"), people.staff("admin")]
            database.dispose(self.world.web)
        self.attempts = {name: str(uuid7()) for name in ("refund", "note", "credit", "rejected")}

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.buy()
            self.settle()
            mine, theirs = (self.until("cookies", lambda who=who: signing_in(who)) for who in self.keepers)  # type: ignore[misc]
        self._refund(mine)
        self._credit(mine)
        self.settle()
        try:
            self._decide_together(mine, theirs)
            self._be_disputed()
        finally:
            self.world.rows(_AS_IT_WAS)

    def _refund(self, keeper: Cookies) -> None:
        payment = str(self.of_tenant("SELECT id FROM payments WHERE tenant_id = :tenant")[0]["id"])
        form = {"payment": payment, "amount": "9.00", "reason": "asked by phone", "reason_code": ""}
        form["attempt"] = self.attempts["refund"]
        self._until(self._is("refund", "done"), keeper, f"{self._page()}/refund", self._page(), form)

    def _credit(self, keeper: Cookies) -> None:
        asked = Request(
            kind="credit_note",
            amount_minor=CREDIT_MINOR,
            way="balance",
            reason="billed too much",
            invoice_id=UUID(self._invoice_id()),
        )
        seen = adjustment_previews.seen_of(asked)
        form = {"amount": "5.00", "way": "balance", "reason": asked.reason, "reason_code": ""}
        form["attempt"] = self.attempts["note"]
        page = self._page()
        looked = self.until("status", lambda: posting(keeper, f"{page}/credit-note", page, **form))
        assert looked == 200
        self._until(self._is("note", "done"), keeper, f"{page}/credit-note", page, {**form, "seen": seen})

    def _decide_together(self, mine: Cookies, theirs: Cookies) -> None:
        strict = {"second_person_above": "0", "dispute_opened_action": "stop_renewal", "dispute_lost_action": "nothing"}
        is_strict = "SELECT 1 FROM settings WHERE second_person_above = 0"
        self._until(lambda _: self.world.rows(is_strict), mine, POLICY, "/staff/policies", strict)
        page = f"/staff/tenants/{self.person.tenant_id}/balance"
        for name, amount in (("credit", "7.00"), ("rejected", "100.00")):
            form = {"kind": "balance_credit", "amount": amount, "reason": "goodwill", "attempt": self.attempts[name]}
            self._until(self._is(name, "proposed"), mine, page, page, form)
        self.settle()
        for name, verb, state in (("credit", "approve", "done"), ("rejected", "reject", "rejected")):
            url = f"/staff/tenants/{self.person.tenant_id}/adjustments/{self.attempts[name]}/{verb}"
            self._until(self._is(name, state), theirs, url, "/staff/adjustments", {})
        self.settle()

    def _be_disputed(self) -> None:
        """Another invoice, of the subscription's payer, with a card that is disputed at once."""
        customer = self.stripe_id()
        self.at_stripe("payment_methods/pm_card_createDispute/attach", customer=customer)
        method = self.world.sandbox.listed(f"customers/{customer}/payment_methods")[0]["id"]
        held = self.of_tenant("SELECT stripe_subscription_id FROM subscriptions WHERE tenant_id = :tenant")
        subscription = str(held[0]["stripe_subscription_id"])
        item = {"customer": customer, "subscription": subscription, "amount": str(DISPUTED_MINOR), "currency": "usd"}
        self.at_stripe("invoiceitems", **item)
        form = {"customer": customer, "subscription": subscription, "pending_invoice_items_behavior": "include"}
        invoice = self.at_stripe("invoices", **form, auto_advance="false")
        self.at_stripe(f"invoices/{invoice['id']}/pay", payment_method=method)
        self.settle()

    def _until(self, found: Found, keeper: Cookies, url: str, page: str, form: dict[str, str]) -> None:
        self.until(found, lambda: posting(keeper, url, page, **form))

    def _is(self, name: str, state: str) -> Found:
        query = "SELECT 1 FROM adjustments WHERE tenant_id = :tenant AND id = :id AND state = :state"
        return lambda _outcome: self.of_tenant(query, id=self.attempts[name], state=state)

    def _invoice_id(self) -> str:
        query = "SELECT id FROM invoices WHERE tenant_id = :tenant ORDER BY created_at LIMIT 1"
        return str(self.of_tenant(query)[0]["id"])

    def _page(self) -> str:
        return f"/staff/tenants/{self.person.tenant_id}/invoices/{self._invoice_id()}"

    def verify(self) -> None:
        """At Stripe there is what was asked for, once."""
        self.verify_nothing_is_left()
        states = "SELECT kind, state, amount_minor FROM adjustments WHERE tenant_id = :tenant ORDER BY amount_minor"
        assert [tuple(row.values()) for row in self.of_tenant(states)] == [
            ("credit_note", "done", CREDIT_MINOR),
            ("balance_credit", "done", BALANCE_MINOR),
            ("refund", "done", REFUND_MINOR),
            ("balance_credit", "rejected", 10_000),
        ]
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        assert [note["total"] for note in listed("credit_notes", customer=customer)] == [CREDIT_MINOR]
        charges: list[dict[str, Any]] = listed("charges", customer=customer)
        refunded = {charge["amount"]: charge["amount_refunded"] for charge in charges}
        assert refunded[PRICE_MINOR] == REFUND_MINOR
        balance = self.of_tenant("SELECT balance_minor FROM customers WHERE tenant_id = :tenant")
        assert -balance[0]["balance_minor"] <= CREDIT_MINOR + BALANCE_MINOR
        dispute = self.of_tenant("SELECT status, consequence FROM disputes WHERE tenant_id = :tenant")
        assert [tuple(row.values()) for row in dispute] == [("needs_response", "stopped")]
        assert self.audited("adjustment.request") == len(self.attempts)
        assert (self.audited("adjustment.approve"), self.audited("adjustment.reject")) == (1, 1)
        self.verify_mails()
