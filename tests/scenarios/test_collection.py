"""Failed payments over weeks: what the tenant may do meanwhile, and that a payment undoes all of it."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from portal import tenancy
from portal.billing import arrears, collection, expiring, method_setups, payment_methods, standing
from portal.extensions import db
from portal.models import CollectionAttempt, Invoice, Notice, Payment, PaymentMethod, Standing, Step
from tests.support.life import Life
from tests.support.shopping import ACTOR, land, start, step

FAILS_LATER = "4000000000000341"
ASKS_ALWAYS = "4000002760003184"
GOOD = "5555555555554444"
pytestmark = pytest.mark.usefixtures("pdf")


def add(life: Life, card: str = GOOD, **more: str) -> PaymentMethod:
    """Add a method by Checkout; returns it."""
    with tenancy.bound(life.tenant_id):
        setup = method_setups.start(actor=ACTOR, language="en")
    how = {"card": card, **more} if card else more
    life.sandbox.post(f"checkout/{setup.stripe_session_id}/pay", **how)
    life.hear()
    with tenancy.bound(life.tenant_id):
        found = method_setups.progress(method_setups.get(setup.id)).method
    assert found is not None
    return found


def make_default(life: Life, method: PaymentMethod) -> None:
    with tenancy.bound(life.tenant_id):
        payment_methods.make_default(method.id, actor=ACTOR)
    life.hear()


def fall_behind(life: Life, card: str = FAILS_LATER) -> Invoice:
    """Buy with a good card, change to one that fails, live to the renewal; returns the invoice that is not paid."""
    life.buy()
    make_default(life, add(life, card, **({"three_d_secure": "complete"} if card == ASKS_ALWAYS else {})))
    end = life.subscription.current_period_end
    assert end is not None
    life.advance_to(end + timedelta(hours=2))
    return owed(life)


def owed(life: Life) -> Invoice:
    with tenancy.bound(life.tenant_id):
        return db.session.scalars(select(Invoice).where(Invoice.status == "open")).one()


def pay(life: Life, invoice: Invoice, method: PaymentMethod, *, makes_default: bool = False) -> CollectionAttempt:
    with tenancy.bound(life.tenant_id):
        attempt = collection.pay(
            invoice.id, method.id, makes_default=makes_default, expected_minor=invoice.amount_remaining_minor,
            actor=ACTOR,
        )  # fmt: skip
    life.hear()
    with tenancy.bound(life.tenant_id):
        return collection.get(attempt.id)


def state(life: Life) -> str:
    with tenancy.bound(life.tenant_id):
        return standing.state()


def banner(life: Life) -> arrears.Arrears | None:
    with tenancy.bound(life.tenant_id):
        return arrears.current()


def told(life: Life, kind: str) -> list[str]:
    with tenancy.bound(life.tenant_id):
        rows = db.session.scalars(select(Notice).where(Notice.kind == kind).order_by(Notice.id)).all()
        return [row.params.get("state", row.step) for row in rows]


def method(life: Life, last4: str) -> PaymentMethod:
    with tenancy.bound(life.tenant_id):
        return db.session.scalars(select(PaymentMethod).where(PaymentMethod.last4 == last4)).one()


@pytest.fixture(name="settle_on_worker")
def fixture_settle_on_worker(life: Life, worker):
    """Standings are moved on the worker's role."""

    def run() -> None:
        with worker.app_context():
            for _ in range(2):
                standing.settle_due()
        life.drain()

    return run


def test_grace_restricted_suspended_and_good_by_payment(life: Life, settle_on_worker):
    invoice = fall_behind(life)
    assert state(life) == "grace"
    assert told(life, "payment_failed") == ["1"]
    assert told(life, "standing_changed") == []  # the mail about the payment says it
    shown = banner(life)
    assert shown is not None
    assert (shown.amount_minor, shown.failure_code, shown.unpaid) == (2900, "generic_decline", 1)
    assert shown.next_attempt_at is not None
    settle_on_worker()
    assert state(life) == "grace"
    began = life.now
    life.advance_to(began + timedelta(days=6))
    settle_on_worker()
    assert state(life) == "grace"
    life.advance_to(began + timedelta(days=7, hours=1))
    settle_on_worker()
    assert state(life) == "restricted"
    with tenancy.bound(life.tenant_id):
        assert standing.allows("included")
        assert not standing.allows("overage")
        with pytest.raises(standing.Restricted):
            standing.require("overage")
    life.advance_to(began + timedelta(days=14, hours=1))
    settle_on_worker()
    assert state(life) == "suspended"
    with tenancy.bound(life.tenant_id), pytest.raises(standing.Suspended):
        standing.require("included")
    attempt = pay(life, invoice, method(life, "4242"), makes_default=True)
    assert attempt.state == "paid"
    assert state(life) == "good"
    assert banner(life) is None
    settle_on_worker()
    assert told(life, "standing_changed") == ["restricted", "suspended", "good"]
    with tenancy.bound(life.tenant_id):
        row = db.session.scalars(select(Standing)).one()
        steps = db.session.scalars(select(Step.to_state).where(Step.object_id == row.id).order_by(Step.number)).all()
    assert steps == ["grace", "restricted", "suspended", "good"]


def test_each_state_is_undone_by_payment(life: Life, settle_on_worker):
    """From grace, and again a month later from restricted: the same row goes the same way."""
    invoice = fall_behind(life)
    assert pay(life, invoice, method(life, "4242")).state == "paid"
    assert state(life) == "good"
    end = life.subscription.current_period_end
    assert end is not None
    life.advance_to(end + timedelta(hours=2))  # the default still fails, and we are told of it
    life.advance(days=8)
    settle_on_worker()
    assert state(life) == "restricted"
    assert pay(life, owed(life), method(life, "4242"), makes_default=True).state == "paid"
    assert state(life) == "good"
    end = life.subscription.current_period_end
    assert end is not None
    life.advance_to(end + timedelta(hours=2))
    assert life.subscription.status == "active"
    assert state(life) == "good"


def test_a_month_without_anybody_looking_passes_through_every_state(life: Life, settle_on_worker):
    fall_behind(life)
    life.advance(days=20)
    settle_on_worker()
    assert state(life) == "suspended"
    assert told(life, "standing_changed") == ["suspended"]


def test_an_eased_policy_lifts_what_it_no_longer_asks_for(life: Life, settle_on_worker, worker):
    fall_behind(life)
    life.advance(days=15)
    settle_on_worker()
    assert state(life) == "suspended"
    with worker.app_context():
        standing.set_policy(
            restricted_after=timedelta(days=10), suspended_after=timedelta(days=30), tries_by_hand_per_hour=5
        )
        with pytest.raises(standing.BadPolicy):
            standing.set_policy(
                restricted_after=timedelta(days=10), suspended_after=timedelta(days=9), tries_by_hand_per_hour=5
            )
    settle_on_worker()
    assert state(life) == "restricted"


def test_tries_by_hand_do_not_use_up_automatic_ones(life: Life):
    invoice = fall_behind(life)
    bad = method(life, "0341")
    before = owed(life)
    for _ in range(2):
        attempt = pay(life, invoice, bad)
        assert (attempt.state, attempt.failure_code) == ("declined", "generic_decline")
    after = owed(life)
    assert (after.attempt_count, after.next_payment_attempt_at) == (
        before.attempt_count, before.next_payment_attempt_at,
    )  # fmt: skip
    with tenancy.bound(life.tenant_id):
        assert collection.tries(after) == collection.Tries(automatic=1, by_hand=2, backup=0, left=3)
    assert told(life, "payment_failed") == ["1"]  # who tries sees it; no mail for each
    for _ in range(3):
        pay(life, invoice, bad)
    with pytest.raises(collection.TooManyTries):
        pay(life, invoice, bad)


def test_another_amount_than_shown_is_not_charged(life: Life):
    invoice = fall_behind(life)
    with tenancy.bound(life.tenant_id), pytest.raises(collection.AmountMoved):
        collection.pay(invoice.id, method(life, "4242").id, makes_default=False, expected_minor=2899, actor=ACTOR)


def test_a_bank_that_asks_sends_the_payer_to_stripes_page(life: Life):
    invoice = fall_behind(life, ASKS_ALWAYS)
    assert invoice.payment_state == "action_required"
    assert state(life) == "grace"
    attempt = pay(life, invoice, method(life, "3184"))
    assert (attempt.state, attempt.failure_code) == ("action_required", "authentication_required")
    assert owed(life).hosted_invoice_url
    with tenancy.bound(life.tenant_id):
        unpaid = Payment.invoice_id == invoice.id
        intent = db.session.scalars(select(Payment.stripe_payment_intent_id).where(unpaid)).one()
    life.sandbox.post(f"intents/{intent}/answer", result="complete")
    life.hear()
    with tenancy.bound(life.tenant_id):
        assert collection.get(attempt.id).state == "paid"
    assert state(life) == "good"


def test_a_card_on_the_customer_alone_would_not_help(life: Life):
    """A new default mends the subscription's own, which is what Stripe charges, and pays what is open."""
    invoice = fall_behind(life)
    card = add(life, GOOD)
    make_default(life, card)
    assert life.subscription.default_payment_method == card.stripe_payment_method_id
    assert life.customer.default_payment_method == card.stripe_payment_method_id
    assert pay(life, invoice, card).state == "paid"
    end = life.subscription.current_period_end
    assert end is not None
    life.advance_to(end + timedelta(hours=2))
    assert life.subscription.status == "active"
    assert state(life) == "good"


def test_the_backup_is_charged_once_when_the_automatic_try_fails(life: Life):
    life.buy()
    good = method(life, "4242")
    make_default(life, add(life, FAILS_LATER))
    with tenancy.bound(life.tenant_id):
        payment_methods.set_backup(good.id, actor=ACTOR)
    end = life.subscription.current_period_end
    assert end is not None
    life.advance_to(end + timedelta(hours=2))
    life.hear()
    with tenancy.bound(life.tenant_id):
        [attempt] = db.session.scalars(select(CollectionAttempt)).all()
        assert (attempt.source, attempt.state, attempt.automatic_number) == ("backup", "paid", 1)
        assert db.session.scalars(select(Invoice).where(Invoice.status == "open")).all() == []
    assert state(life) == "good"
    assert life.subscription.status == "active"


def test_a_backup_that_fails_too_is_tried_once_for_each_automatic_try(life: Life):
    life.buy()
    first = add(life, FAILS_LATER)
    make_default(life, first)
    second = add(life, FAILS_LATER)
    with tenancy.bound(life.tenant_id):
        payment_methods.set_backup(second.id, actor=ACTOR)
    end = life.subscription.current_period_end
    assert end is not None
    life.advance_to(end + timedelta(hours=2))
    life.hear()
    assert [attempt.automatic_number for attempt in backups(life)] == [1]
    life.advance_to(end + timedelta(days=1, hours=3))
    life.hear()
    assert [attempt.automatic_number for attempt in backups(life)] == [1, owed(life).attempt_count]
    assert owed(life).attempt_count == 2
    assert {attempt.state for attempt in backups(life)} == {"declined"}


def backups(life: Life) -> list[CollectionAttempt]:
    with tenancy.bound(life.tenant_id):
        wanted = select(CollectionAttempt).where(CollectionAttempt.source == "backup")
        return list(db.session.scalars(wanted.order_by(CollectionAttempt.id)))


@pytest.mark.parametrize(("account", "ends"), [("000123456789", "paid"), ("000222222227", "declined")])
def test_a_bank_debit_is_on_its_way_for_days(life: Life, account: str, ends: str):
    """By hand: the page says so at once, nobody can pay twice meanwhile, and the end is seen either way."""
    invoice = fall_behind(life)
    debit = add(life, "", bank_account=account, name="Jenny")
    attempt = pay(life, invoice, debit)
    assert attempt.state == "processing"
    assert owed(life).payment_state == "processing"
    shown = banner(life)
    assert shown is not None
    assert shown.is_processing
    with pytest.raises(collection.PaymentUnderWay):
        pay(life, invoice, method(life, "4242"))
    life.advance(days=7)
    life.hear()
    with tenancy.bound(life.tenant_id):
        assert collection.get(attempt.id).state == ends
        assert db.session.get_one(Invoice, (life.tenant_id, invoice.id)).status == (
            "paid" if ends == "paid" else "open"
        )
    assert (state(life) == "good") == (ends == "paid")


@pytest.mark.parametrize(("access", "shown"), [("wait", "processing"), ("grant", "active")])
def test_a_first_payment_that_takes_days_grants_what_the_plan_says(life: Life, owner_sql, access: str, shown: str):
    owner_sql("UPDATE plans SET processing_access = :access WHERE plan_id = 'starter'", access=access)
    checkout = start(life.tenant_id)
    life.sandbox.post(f"checkout/{checkout.stripe_session_id}/pay", bank_account="000123456789", name="Jenny")
    land(life.tenant_id, checkout)
    life.hear()
    assert step(life.tenant_id, checkout) == shown
    with tenancy.bound(life.tenant_id):
        assert standing.allows("included") == (access == "grant")
    life.advance(days=7)
    life.hear()
    assert step(life.tenant_id, checkout) == "active"
    with tenancy.bound(life.tenant_id):
        assert standing.allows("included")


def test_a_card_that_expires_is_told_of_in_time(life: Life, owner_sql, worker):
    """Once in the month before its last and once in its last, however often the task runs."""
    life.buy()
    now = life.now
    month = now.year * 12 + now.month  # the next one, counted from 0
    owner_sql("UPDATE payment_methods SET exp_year = :year, exp_month = :month", year=month // 12, month=month % 12 + 1)
    with tenancy.bound(life.tenant_id):
        [entry] = payment_methods.listed()
    assert entry.expiry == "next_month"
    with worker.app_context():
        assert expiring.tell() == 1
        assert expiring.tell() == 1
    assert len(told(life, "card_expires")) == 1
    owner_sql("UPDATE payment_methods SET exp_year = :year, exp_month = :month", year=now.year, month=now.month)
    with tenancy.bound(life.tenant_id):
        [entry] = payment_methods.listed()
    assert entry.expiry == "this_month"
    owner_sql("UPDATE payment_methods SET exp_year = :year, exp_month = 12", year=now.year + 3)
    with worker.app_context():
        assert expiring.tell() == 0
