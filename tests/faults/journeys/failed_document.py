"""A document that could not be made, and is asked for again."""

from collections import Counter

from tests.faults.acts import posting, working, working_without_renderer
from tests.faults.forks import Outcome
from tests.faults.journeys.purchase import Purchase


class FailedDocument(Purchase):
    """A purchase where the renderer is missing until the customer asks once more."""

    is_thorough = False

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.buy()
        self.work = working_without_renderer
        self.settle()
        assert self._document_state() == "failed"
        self.work = working
        address = f"/invoices/{self._invoice('id')}"
        self.until(self._is_asked_for, lambda: posting(self.cookies, f"{address}/document", address))
        self.settle()
        self.download()

    def verify(self) -> None:
        """As a purchase; and each of failing, asking and issuing happened once, and was told once."""
        self.verify_nothing_is_left("document_failed")
        self.verify_bought()
        assert [self.audited(f"document.{verb}") for verb in ("fail", "request", "issue")] == [1, 1, 1]
        query = "SELECT recipient, step FROM notices WHERE tenant_id = :tenant AND kind = 'invoice_issued'"
        told = Counter(tuple(row.values()) for row in self.of_tenant(query))
        assert told == {(recipient, step): 1 for recipient, _ in told for step in ("", "again")}
        assert self._invoice("document_attempt") == 1

    def _invoice(self, column: str) -> object:
        return self.of_tenant(f"SELECT {column} FROM invoices WHERE tenant_id = :tenant")[0][column]  # noqa: S608

    def _document_state(self) -> object:
        return self._invoice("document_state")

    def _is_asked_for(self, _outcome: Outcome) -> bool:
        return self._document_state() != "failed"
