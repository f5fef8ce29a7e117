"""Putting money right: never more than there is, never twice, and above a limit by two people."""

from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import adjustment_errors as errors
from portal.billing import adjustment_previews, adjustments
from portal.billing.adjustments import Request
from portal.errors import NotFound
from portal.extensions import db
from portal.gateway.client import gateway
from portal.gateway.inbox import want
from portal.models import Adjustment, CreditNote, Customer, Invoice, Notice, Payment, Refund
from tests.support import people
from tests.support.shopping import buy, make_tenant


@pytest.fixture(name="keeper")
def fixture_keeper(web):
    return people.staff("finance").user_id


@pytest.fixture(name="other_keeper")
def fixture_other_keeper(web):
    return people.staff("admin").user_id


@pytest.fixture(name="bought")
def fixture_bought(web, tenant, stripe_sandbox, drain):
    """A tenant that paid its first invoice of 29.00."""
    buy(tenant, stripe_sandbox, drain, "starter")
    drain()
    return tenant


@contextmanager
def acting(tenant, person):
    with tenancy.bound(tenant, user_id=person, request_token=uuid4()):
        yield


def invoice_of(tenant) -> Invoice:
    with tenancy.bound(tenant):
        return db.session.scalars(select(Invoice).order_by(Invoice.created_at.desc())).first()


def payment_of(tenant) -> Payment:
    with tenancy.bound(tenant):
        return db.session.scalars(select(Payment)).one()


def refunding(tenant, minor: int, **more) -> Request:
    payment = payment_of(tenant)
    return Request(
        kind="refund", amount_minor=minor, reason="asked by phone", invoice_id=payment.invoice_id,
        payment_id=payment.id, **more,
    )  # fmt: skip


def crediting(tenant, minor: int, way: str, **more) -> Request:
    return Request(
        kind="credit_note",
        amount_minor=minor,
        reason="billed too much",
        invoice_id=invoice_of(tenant).id,
        way=way,
        **more,
    )


def do(tenant, person, asked: Request) -> Adjustment:
    with acting(tenant, person):
        return adjustments.request(asked, actor=person)


def rows(tenant, model) -> list:
    with tenancy.bound(tenant):
        return list(db.session.scalars(select(model).order_by(model.id)))


def balance(tenant) -> int:
    with tenancy.bound(tenant):
        return db.session.get_one(Customer, tenant).balance_minor


def told(tenant) -> list[str]:
    return [row.kind for row in rows(tenant, Notice)]


def test_a_refund_in_parts_up_to_what_was_paid_and_not_a_cent_more(bought, keeper, drain):
    first = do(bought, keeper, refunding(bought, 900, reason_code="requested_by_customer"))
    assert (first.state, first.stripe_id[:3]) == ("done", "re_")
    with pytest.raises(errors.TooMuch):
        do(bought, keeper, refunding(bought, 2001))
    second = do(bought, keeper, refunding(bought, 2000))
    assert second.state == "done"
    with pytest.raises(errors.NothingLeft):
        do(bought, keeper, refunding(bought, 1))
    drain()
    assert sorted((row.amount_minor, row.status) for row in rows(bought, Refund)) == [
        (900, "succeeded"),
        (2000, "succeeded"),
    ]
    assert payment_of(bought).refunded_minor == 2900
    assert invoice_of(bought).credited_minor == 2900
    with pytest.raises(errors.NothingLeft):
        do(bought, keeper, refunding(bought, 1))
    assert told(bought).count("refund_made") == 2 * len({row.recipient for row in rows(bought, Notice)})


def test_a_credit_note_of_a_paid_invoice_is_previewed_then_refunds(bought, keeper, drain):
    asked = crediting(bought, 1000, "refund", reason_code="product_unsatisfactory", memo="Sorry for the outage")
    with acting(bought, keeper):
        preview = adjustment_previews.of(asked)
    assert (preview.total_minor, preview.lowered_minor, preview.back_minor) == (1000, 0, 1000)
    assert adjustment_previews.is_seen(preview.seen, asked)
    done = do(bought, keeper, asked)
    drain()
    (note,) = rows(bought, CreditNote)
    assert (note.stripe_credit_note_id, note.total_minor, note.refunded_minor) == (done.stripe_id, 1000, 1000)
    assert (note.memo, note.reason, note.status) == ("Sorry for the outage", "product_unsatisfactory", "issued")
    assert [row.amount_minor for row in rows(bought, Refund)] == [1000]
    assert "credit_note_issued" in told(bought)
    with pytest.raises(errors.TooMuch):
        do(bought, keeper, refunding(bought, 1901))


def test_a_credit_note_to_the_balance_and_one_out_of_band(bought, keeper, drain):
    do(bought, keeper, crediting(bought, 500, "balance"))
    do(bought, keeper, crediting(bought, 700, "out_of_band"))
    drain()
    notes = rows(bought, CreditNote)
    assert sorted((note.balance_minor, note.out_of_band_minor) for note in notes) == [(0, 700), (500, 0)]
    assert balance(bought) == -500
    assert invoice_of(bought).credited_minor == 1200


def test_the_account_is_credited_and_debited(bought, keeper, drain):
    for kind, minor in (("balance_credit", 700), ("balance_debit", 300)):
        asked = Request(kind=kind, amount_minor=minor, reason="goodwill", currency="usd", memo="For your patience")
        assert do(bought, keeper, asked).state == "done"
    drain()
    assert balance(bought) == -400
    assert "balance_adjusted" in told(bought)


def test_a_tenant_that_never_bought_is_credited_too(web, keeper, drain):
    tenant = make_tenant()
    asked = Request(kind="balance_credit", amount_minor=500, reason="welcome", currency="usd")
    done = do(tenant, keeper, asked)
    assert (done.state, done.failure_code) == ("done", "")
    drain()
    assert balance(tenant) == -500


@pytest.mark.parametrize("reason", ["", "  ", "no", "x" * 1001])
def test_a_reason_is_required(bought, keeper, reason):
    payment = payment_of(bought)
    asked = Request(
        kind="refund", amount_minor=100, reason=reason, invoice_id=payment.invoice_id, payment_id=payment.id
    )
    with pytest.raises(errors.ReasonMissing):
        do(bought, keeper, asked)
    assert rows_as(bought, keeper) == []


def rows_as(tenant, person) -> list[Adjustment]:
    with acting(tenant, person):
        return list(db.session.scalars(select(Adjustment)))


@pytest.fixture(name="strict")
def fixture_strict(worker):
    """Everything needs a second person."""
    from portal.models import PolicySettings

    with worker.app_context():
        db.session.scalars(select(PolicySettings)).one().second_person_above = 0
        db.session.commit()


def test_above_the_limit_a_second_person_decides(bought, strict, keeper, other_keeper, drain):
    asked = do(bought, keeper, refunding(bought, 2000))
    assert (asked.state, rows(bought, Refund)) == ("proposed", [])
    with pytest.raises(errors.TooMuch):  # what waits is spoken for
        do(bought, other_keeper, refunding(bought, 901))
    with acting(bought, keeper), pytest.raises(errors.OwnRequest):
        adjustments.approve(asked.id, actor=keeper)
    with acting(bought, other_keeper):
        assert adjustments.approve(asked.id, actor=other_keeper).state == "done"
    with acting(bought, other_keeper), pytest.raises(errors.NotYourDecision):
        adjustments.approve(asked.id, actor=other_keeper)
    drain()
    assert [row.amount_minor for row in rows(bought, Refund)] == [2000]


def test_what_is_rejected_or_withdrawn_frees_its_amount(bought, strict, keeper, other_keeper):
    rejected, withdrawn = (do(bought, keeper, refunding(bought, 1450)) for _ in range(2))
    with acting(bought, other_keeper):
        assert adjustments.reject(rejected.id, actor=other_keeper).state == "rejected"
    with acting(bought, keeper):
        assert adjustments.reject(withdrawn.id, actor=keeper).state == "withdrawn"
    assert do(bought, keeper, refunding(bought, 2900)).state == "proposed"


def test_another_tenants_payment_is_as_good_as_none(bought, keeper):
    stranger = make_tenant()
    with pytest.raises(NotFound):
        do(stranger, keeper, refunding(bought, 100))


@pytest.fixture(name="open_invoice")
def fixture_open_invoice(bought, drain):
    """Sent by mail, to be paid within ten days: 40.00."""
    with tenancy.bound(bought):
        customer = db.session.get_one(Customer, bought).stripe_customer_id
    item = {"customer": customer, "amount": 4000, "currency": "usd"}
    gateway().write(lambda s: s.v1.invoice_items.create(item))
    options = {
        "customer": customer,
        "collection_method": "send_invoice",
        "days_until_due": 10,
        "pending_invoice_items_behavior": "include",
    }
    made = gateway().write(lambda s: s.v1.invoices.create(options))
    gateway().write(lambda s: s.v1.invoices.finalize_invoice(made.id))
    tenancy.fresh()
    want(made.id, "invoice")
    db.session.commit()
    drain()
    with tenancy.bound(bought):
        return db.session.scalars(select(Invoice).where(Invoice.stripe_invoice_id == made.id)).one()


def settling(invoice: Invoice, kind: str) -> Request:
    return Request(kind=kind, amount_minor=0, reason="as agreed", invoice_id=invoice.id)


def again(invoice: Invoice) -> Invoice:
    with tenancy.bound(invoice.tenant_id):
        return db.session.get_one(Invoice, (invoice.tenant_id, invoice.id))


@pytest.mark.parametrize(("kind", "status"), [("write_off", "uncollectible"), ("paid_out_of_band", "paid")])
def test_what_is_open_is_settled_once(bought, open_invoice, keeper, drain, kind, status):
    done = do(bought, keeper, settling(open_invoice, kind))
    assert (done.state, done.amount_minor) == ("done", 4000)
    drain()
    assert again(open_invoice).status == status
    assert "invoice_settled" in told(bought)
    with pytest.raises(errors.NotOpen):
        do(bought, keeper, settling(open_invoice, kind))


def test_what_was_written_off_may_be_paid_after_all(bought, open_invoice, keeper, drain):
    for kind in ("write_off", "paid_out_of_band"):
        assert do(bought, keeper, settling(open_invoice, kind)).state == "done"
        drain()
    assert again(open_invoice).status == "paid"


def test_only_one_settlement_waits_for_a_second_person(bought, open_invoice, strict, keeper, other_keeper):
    assert do(bought, keeper, settling(open_invoice, "write_off")).state == "proposed"
    with pytest.raises(errors.AlreadyBeingSettled):
        do(bought, other_keeper, settling(open_invoice, "paid_out_of_band"))


def test_a_credit_note_lowers_what_is_open_first(bought, open_invoice, keeper, drain):
    asked = Request(kind="credit_note", amount_minor=1500, reason="too much", invoice_id=open_invoice.id, way="refund")
    with acting(bought, keeper):
        preview = adjustment_previews.of(asked)
    assert (preview.lowered_minor, preview.back_minor) == (1500, 0)
    assert do(bought, keeper, asked).state == "done"
    drain()
    found = again(open_invoice)
    assert (found.amount_remaining_minor, found.credited_minor) == (2500, 1500)
    with pytest.raises(errors.TooMuch):
        do(bought, keeper, Request(
            kind="credit_note", amount_minor=2501, reason="too much", invoice_id=open_invoice.id, way="refund"
        ))  # fmt: skip


def test_a_paid_one_cannot_be_settled_and_an_old_page_does_nothing(bought, keeper):
    with pytest.raises(errors.NotOpen):
        do(bought, keeper, settling(invoice_of(bought), "write_off"))
    first = refunding(bought, 100)
    assert do(bought, keeper, first).id == do(bought, keeper, first).id
    with pytest.raises(errors.SentFromAnOldPage):
        do(bought, keeper, crediting(bought, 100, "balance", attempt=first.attempt))
