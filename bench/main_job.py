"""Seconds from a paid Checkout to the active page, the document and the mail.

Starts a portal of its own (web, worker, ticker, sandbox) and buys with several tenants, one after the other.
"""

import time
from collections.abc import Callable

import requests

from bench.harness import Figure, Row
from bench.places import Place
from portal import tenancy
from portal.app import create_app
from portal.billing import checkouts
from tests.support import database, live
from tests.support.live import LivePortal

ROUNDS = 7
PATIENCE_SECONDS = 60
_STEPS = {
    "active": ("the page says active", 1.0),
    "document": ("the document is stored", 2.0),
    "mail": ("the mail with the PDF has arrived", 3.0),
}


def run(at: Place) -> list[Row]:
    """The limits are those of the main job: the page within 1 s, the document within 2, the mail within 3."""
    with live.running(at.template) as portal:
        one_purchase(portal)  # warms every process up
        rounds = [one_purchase(portal) for _ in range(ROUNDS)]
    return [_row(what, [seconds[name] for seconds in rounds], aim) for name, (what, aim) in _STEPS.items()]


def _row(what: str, seconds: list[float], aim: float) -> Row:
    found = Figure.of(seconds)
    return Row(f"main job: seconds until {what}", str(found), f"≤ {aim:g}", found.median <= aim)


def one_purchase(portal: LivePortal) -> dict[str, float]:
    """Buy Starter as a new tenant; seconds from Stripe's "paid" to each thing the customer waits for."""
    person = portal.person()
    app = create_app("web", settings=portal.settings)
    with app.app_context():
        with tenancy.bound(person.tenant_id):
            checkout = checkouts.start("starter", "month", actor=person.user_id, language="en")
        portal.sandbox.pay(str(checkout.stripe_session_id))
        paid_at = time.monotonic()

        def state() -> checkouts.Progress:
            with tenancy.bound(person.tenant_id):
                return checkouts.progress(checkouts.get(checkout.id))

        def document_state() -> str:
            invoice = state().invoice
            return invoice.document_state if invoice else "none"

        active = wait(paid_at, lambda: state().step == "active")
        document = wait(paid_at, lambda: document_state() == "ready")
        mail = wait(paid_at, lambda: has_document(portal, person.email))
        database.dispose(app)
    return {"active": active, "document": document, "mail": mail}


def has_document(portal: LivePortal, address: str) -> bool:
    """Whether the mail with the document lies in the mailbox."""
    mails = requests.get(f"{portal.sandbox.url}/_sandbox/mail", timeout=10).json()["data"]
    return any(address in mail["to"] and mail.get("attachments") for mail in mails)


def wait(since: float, happened: Callable[[], bool]) -> float:
    """Seconds from ``since`` (monotonic) until it happened; looks every 20 ms."""
    while not happened():
        if time.monotonic() - since > PATIENCE_SECONDS:
            raise TimeoutError
        time.sleep(0.02)
    return time.monotonic() - since
