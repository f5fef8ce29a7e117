"""The main job: from signing in until the document is in the customer's hands."""

from typing import Any

from tests.faults.journey import Journey

PRICE_MINOR = 2900
TABLES = ("subscriptions", "invoices", "invoice_lines", "payments", "invoice_documents", "checkouts", "customers")
_STATE = """
    SELECT s.status, i.status AS invoice, i.amount_paid_minor, i.document_state, p.status AS payment,
      p.amount_minor, encode(d.sha256, 'hex') AS sha256
    FROM subscriptions s JOIN invoices i USING (tenant_id) JOIN payments p USING (tenant_id)
      JOIN invoice_documents d USING (tenant_id) WHERE s.tenant_id = :tenant"""


class Purchase(Journey):
    """One plan that costs."""

    is_thorough = True

    def live(self) -> None:
        self.sign_in()
        self.buy()
        self.settle()
        self.download()

    def verify(self) -> None:
        """One of everything, here, at Stripe and in the mailbox, and nothing that is owed, dead or unexplained."""
        self.verify_nothing_is_left()
        self.verify_bought()

    def verify_bought(self) -> None:
        assert self.count(*TABLES) == dict.fromkeys(TABLES, 1)
        assert self.of_tenant(_STATE) == [
            {
                "status": "active",
                "invoice": "paid",
                "amount_paid_minor": PRICE_MINOR,
                "document_state": "ready",
                "payment": "paid",
                "amount_minor": PRICE_MINOR,
                "sha256": self.document,
            }
        ]
        self._verify_at_stripe()
        self.verify_mails()
        mails = self.world.sandbox.get("mail")["data"]
        assert [mail for mail in mails if mail["attachments"]], "the document came by mail too"

    def _verify_at_stripe(self) -> None:
        customer = self.stripe_id()
        assert self._statuses("subscriptions", customer=customer, status="all") == ["active"]
        charges = self.world.sandbox.listed("charges", customer=customer)
        assert [(each["status"], each["amount"], each["refunded"]) for each in charges] == [
            ("succeeded", PRICE_MINOR, False)
        ]
        assert self._statuses("invoices", customer=customer) == ["paid"]
        assert self._statuses("checkout/sessions", customer=customer) == ["complete"]

    def _statuses(self, kind: str, **params: str) -> list[Any]:
        return [each["status"] for each in self.world.sandbox.listed(kind, **params)]
