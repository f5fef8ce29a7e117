"""Two tenants that have bought, one that is just buying, and everybody who may try to look across.

The *victim* has at least one row in every tenant table, full of texts and amounts that occur nowhere else.
What is hers is read from the catalogue: a table that is added later is covered without a word here, once
:func:`_plant` gives it a row (``tests/isolation/test_sql.py`` says so when it has none).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import UUID

from apiflask import APIFlask
from sqlalchemy import make_url
from sqlalchemy.orm import Session

from portal import config
from portal.app import create_app
from portal.ids import uuid7
from portal.models import BillingDetails, DriftFinding, Notice, OutboxRow, PasswordReset
from portal.security import api_keys
from portal.security.people import add_member
from portal.security.principal import hash_token
from tests.isolation.snapshots import Snapshot, take
from tests.pages import money_rows, rows, tax_rows
from tests.support import database, people, shopping
from tests.support.people import Person
from tests.support.sandbox import Sandbox

CANARY = "Zanzibar-Quokka"
TENANT_NAME = f"{CANARY} Incorporated"
RIVAL_KEY = api_keys.new_token(livemode=False)
AMOUNT_MINOR = 765_432_19
# Those amounts as a page, a file or an export may write them.
AMOUNT_TEXTS = ("765,432.19", "765.432,19", "765432.19", str(AMOUNT_MINOR))


@dataclass(frozen=True)
class World:
    """The installation under attack. ``before``: its rows when nothing had been tried yet."""

    settings: config.Settings
    app: APIFlask
    victim: Person
    victim_viewer: Person
    rival: Person
    rival_viewer: Person
    shopper: Person
    nowhere: Person
    staff: Person
    former_staff: Person
    before: Snapshot

    @property
    def victim_id(self) -> UUID:
        assert self.victim.tenant_id is not None
        return self.victim.tenant_id

    @property
    def rival_id(self) -> UUID:
        assert self.rival.tenant_id is not None
        return self.rival.tenant_id

    @property
    def attackers(self) -> tuple[Person, ...]:
        """Everybody but the victim's owner."""
        return (
            self.victim_viewer,
            self.rival,
            self.rival_viewer,
            self.shopper,
            self.nowhere,
            self.staff,
            self.former_staff,
        )

    @contextmanager
    def copied(self) -> Iterator["World"]:
        """The same world on a copy of its database: for what is to be committed."""
        with self.app.app_context():
            database.dispose(self.app)
        here = make_url(self.settings.database_url)
        with database.cloned(str(here.database)) as name:
            url = here.set(database=name).render_as_string(hide_password=False)
            yield replace(self, settings=replace(self.settings, database_url=url))

    def take(self) -> Snapshot:
        """All rows of all tables now."""
        return take(self.settings)


@contextmanager
def inhabited(settings: config.Settings, sandbox: Sandbox) -> Iterator[World]:
    """A world on a database of its own."""
    from blueprints import PAGES

    app = create_app("web", settings=settings, blueprints=PAGES)
    people.prepare(app)
    worker = create_app("worker", settings=settings)
    try:
        with app.app_context():
            inhabitants = _people()
            _buy(worker, sandbox, inhabitants)
        with worker.app_context():
            database.dispose(worker)
        for name in ("victim", "victim_viewer", "rival"):
            people.browser(app, inhabitants[name])
        with rows.written(settings) as session:
            _plant(session, inhabitants["victim"])
            rival_id = inhabitants["rival"].tenant_id
            assert rival_id is not None
            rows.api_key(session, rival_id, RIVAL_KEY)
        yield World(settings, app, before=take(settings), **inhabitants)
    finally:
        with app.app_context():
            database.dispose(app)


def _people() -> dict[str, Person]:
    victim_id = shopping.make_tenant(TENANT_NAME)
    rival_id = shopping.make_tenant("Rival Limited")
    shopper_id = shopping.make_tenant("Shopper & Sons")
    shopper = people.member(shopper_id)
    add_member(victim_id, shopper.user_id, "viewer")  # belongs to both, and looks at the shop
    return {
        "victim": people.member(victim_id, email=f"owner@{CANARY}.example".lower(), name=f"{CANARY} Owner"),
        "victim_viewer": people.member(victim_id, "viewer"),
        "rival": people.member(rival_id),
        "rival_viewer": people.member(rival_id, "viewer"),
        "shopper": shopper,
        "nowhere": people.user(),
        "staff": people.staff("support"),
        "former_staff": people.staff("admin"),
    }


def _buy(worker: APIFlask, sandbox: Sandbox, inhabitants: dict[str, Person]) -> None:
    from jobs.drain import drain

    def run() -> int:
        with worker.app_context():
            return drain()

    for name in ("victim", "rival"):
        tenant_id = inhabitants[name].tenant_id
        assert tenant_id is not None
        shopping.buy(tenant_id, sandbox, run)
    shopper_id = inhabitants["shopper"].tenant_id
    assert shopper_id is not None
    shopping.start(shopper_id)


def _plant(session: Session, victim: Person) -> None:
    """What the purchase did not leave behind, told apart from all else by its texts and amounts."""
    tenant_id = victim.tenant_id
    assert tenant_id is not None
    details = session.get_one(BillingDetails, tenant_id)
    details.line1, details.city, details.tax_id = f"1 {CANARY} Road", f"{CANARY} Town", f"{CANARY}-TAX-1"
    details.purchase_order, details.copies = f"{CANARY}-PO-1", [f"{CANARY}@copies.example".lower()]
    tax_rows.exemption(session, tenant_id, reason=f"{CANARY} is a charity")
    for number, state in ((f"{CANARY}-0001", "ready"), (f"{CANARY}-0002", "failed")):
        invoice = rows.invoice(
            session,
            tenant_id,
            number,
            subtotal_minor=AMOUNT_MINOR,
            tax_minor=0,
            taxes=[],
            total_minor=AMOUNT_MINOR,
            amount_due_minor=AMOUNT_MINOR,
            amount_paid_minor=AMOUNT_MINOR,
            document_state=state,
        )
        if state == "ready":
            pdf = f"%PDF-1.7 {CANARY}".encode()
            rows.document(session, invoice, pdf)
            note = rows.credit_note(session, invoice, memo=f"{CANARY} was wrong", total_minor=AMOUNT_MINOR)
            rows.document(session, invoice, pdf, "credit_note", credit_note_id=note.id)
    money_rows.refund(session, invoice, amount_minor=AMOUNT_MINOR)
    money_rows.dispute(session, invoice, amount_minor=AMOUNT_MINOR)
    money_rows.adjustment(session, invoice, amount_minor=AMOUNT_MINOR, reason=f"{CANARY} complained")
    rows.redemption(session, rows.coupon(session), rows.checkout(session, tenant_id))
    method = rows.method(session, tenant_id, account_email=f"{CANARY}@method.example", last4="7319")
    rows.method_setup(session, tenant_id)
    rows.api_key(session, tenant_id, name=f"{CANARY} server")
    rows.attempt(session, invoice, method, "declined", amount_minor=AMOUNT_MINOR)
    rows.standing(session, tenant_id, "grace", days=1)
    charge = rows.usage_charge(session, tenant_id, f"{CANARY}-event-1", amount_minor=AMOUNT_MINOR)
    rows.usage_unique(session, charge, f"{CANARY}-device-1")
    rows.source_link(session, tenant_id, external_id=f"{CANARY}-4711", external_name=f"{CANARY} at NetBox")
    rows.cancellation(session, tenant_id, comment=f"{CANARY} is too dear")
    rows.plan_change(session, tenant_id, due_minor=AMOUNT_MINOR)
    session.add(
        Notice(
            tenant_id=tenant_id,
            id=uuid7(),
            kind="invoice_issued",
            object_id=str(invoice.id),
            channel="mail",
            recipient=f"{CANARY}@notice.example",
            language="en",
        )
    )
    session.add(OutboxRow(id=uuid7(), tenant_id=tenant_id, kind="mail.send", key=f"mail.send:{CANARY}", payload={}))
    session.add(DriftFinding(id=uuid7(), tenant_id=tenant_id, kind="duplicate", object_id=f"sub_{CANARY}"))
    session.add(PasswordReset(token_hash=hash_token(CANARY), user_id=victim.user_id, expires_at=rows.NOW))
