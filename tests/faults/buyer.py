"""A customer over HTTP who does not give up: whatever does not answer is asked again."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeVar

import requests

from tests.support.live import LivePortal
from tests.support.people import Person, form_token
from tests.support.sandbox import AUTH

TIMEOUT_SECONDS = 30
PAUSE_SECONDS = 0.3
SESSION = re.compile(r"cs_[A-Za-z0-9_]+")
DOCUMENT = re.compile(r"/invoices/[0-9a-f-]{36}/document\.pdf")


T = TypeVar("T")


class Refused(Exception):
    """An answer that trying again does not better."""


@dataclass
class Purchase:
    """What the customer knows: what was paid, and what came of it."""

    session_id: str
    subscription_id: str
    page: str
    document_sha256: str = ""


@dataclass
class Buyer:
    """One tenant's owner with a browser's cookies; ``purchases`` are what they would show a judge."""

    portal: LivePortal
    person: Person
    patience_seconds: float = 600
    purchases: list[Purchase] = field(default_factory=list)
    session: requests.Session = field(default_factory=requests.Session)

    def sign_in(self) -> None:
        page = self._insist(lambda: self._get("/sign-in"))
        form = {"csrf_token": form_token(page.text), "email": self.person.email, "password": self.person.password}
        self._insist(lambda: self._post("/sign-in", form))

    def buy(self) -> Purchase:
        """Choose, pay, come back, get the document."""
        return self.receive(self.pay())

    def again(self) -> Purchase:
        """End what was bought last, and buy once more."""
        self.end(self.purchases[-1])
        return self.buy()

    def pay(self) -> Purchase:
        """Choose and pay."""
        session_id = self._insist(self._choose)
        paid = self._insist(lambda: self.portal.sandbox.pay(session_id))
        purchase = Purchase(session_id, paid["subscription"], paid["success_url"].removeprefix(self.portal.url))
        self.purchases.append(purchase)
        return purchase

    def receive(self, purchase: Purchase) -> Purchase:
        """Come back and get the document."""
        self._insist(lambda: self._is_active(purchase))
        purchase.document_sha256 = self._insist(lambda: self._document(purchase))
        return purchase

    def end(self, purchase: Purchase) -> None:
        """The subscription ends at Stripe, as support would end it there."""
        url = f"{self.portal.sandbox.url}/v1/subscriptions/{purchase.subscription_id}"
        requests.delete(url, auth=AUTH, timeout=TIMEOUT_SECONDS).raise_for_status()

    def _choose(self) -> str:
        page = self._get("/plans")
        form = {"csrf_token": form_token(page.text), "plan_id": "starter", "interval": "month"}
        answer = self._post("/checkout", form)
        found = SESSION.search(answer.headers.get("Location", ""))
        return found.group() if found else ""

    def _is_active(self, purchase: Purchase) -> bool:
        return 'data-step="active"' in self._get(purchase.page).text

    def _document(self, purchase: Purchase) -> str:
        link = DOCUMENT.search(self._get(purchase.page).text)
        if link is None:
            return ""
        answer = self._get(link.group())
        is_pdf = answer.status_code == 200 and answer.content.startswith(b"%PDF")
        return sha256(answer.content).hexdigest() if is_pdf else ""

    def _insist(self, act: Callable[[], T]) -> T:
        deadline = time.monotonic() + self.patience_seconds
        while True:
            try:
                if result := act():
                    return result
            except (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError):
                pass
            assert time.monotonic() < deadline, f"{self.person.email} gave up in {act}"
            time.sleep(PAUSE_SECONDS)

    def _get(self, path: str) -> requests.Response:
        return self._checked(self.session.get(f"{self.portal.url}{path}", timeout=TIMEOUT_SECONDS))

    def _post(self, path: str, form: dict[str, str]) -> requests.Response:
        url = f"{self.portal.url}{path}"
        return self._checked(self.session.post(url, form, timeout=TIMEOUT_SECONDS, allow_redirects=False))

    def _checked(self, answer: requests.Response) -> requests.Response:
        """A page that says "not now" is asked again; one that fails without a word is a defect."""
        if answer.status_code in (502, 503, 504):
            raise requests.ConnectionError(answer.status_code)
        if answer.status_code >= 500:
            raise Refused(f"{answer.status_code} from {answer.url}: {answer.text[:300]}")
        return answer
