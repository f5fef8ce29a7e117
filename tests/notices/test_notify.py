"""Who is told, and that it is said once."""

import threading
from datetime import UTC, datetime

import pytest

from portal import tenancy
from portal.extensions import db
from portal.i18n import Viewer
from portal.notices.notify import notify
from portal.notices.recipients import Recipient
from tests.notices.samples import company
from tests.support.threads import side_by_side

RECIPIENTS = "SELECT recipient FROM notices ORDER BY recipient"


def addresses(rows) -> list[str]:
    return [row.recipient for row in rows(RECIPIENTS)]


def test_contact_owners_and_billing_members_are_told(acme, tell, rows):
    acme.member("owner@acme.example", "owner")
    acme.member("money@acme.example", "billing")
    acme.member("dev@acme.example", "developer")
    acme.member("guest@acme.example", "viewer")
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    assert addresses(rows) == ["billing@acme.example", "money@acme.example", "owner@acme.example"]


def test_the_billing_address_goes_before_the_tenants(owner, tell, rows):
    acme = company(owner, billing_email="Invoices@Acme.example")
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    assert addresses(rows) == ["invoices@acme.example"]


def test_an_address_is_told_once_in_its_members_own_language(owner, tell, rows):
    acme = company(owner, email="Ana@Acme.example", language="en")
    acme.member("ana@acme.example", language="es", format_locale="es_MX")
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    found = rows("SELECT recipient, language, params->'reader'->>'format_locale' AS locale FROM notices")
    assert [tuple(row) for row in found] == [("ana@acme.example", "es", "es_MX")]


def test_disabled_members_and_other_tenants_members_are_not_told(owner, acme, tell, rows):
    acme.member("gone@acme.example", disabled_at=datetime(2026, 1, 1, tzinfo=UTC))
    company(owner, "Globex", "billing@globex.example").member("owner@globex.example")
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    assert addresses(rows) == ["billing@acme.example"]


def test_named_recipients_replace_the_kinds(acme, tell, rows):
    tell(acme.tenant_id, "subscription_started", acme.subscription(), recipients=[Recipient("x@y.example", Viewer())])
    assert addresses(rows) == ["x@y.example"]


def test_saying_it_twice_is_one_notice_and_one_mail(acme, tell, send, smtp, rows):
    subscription_id = acme.subscription()
    tell(acme.tenant_id, "subscription_started", subscription_id)
    tell(acme.tenant_id, "subscription_started", subscription_id)
    send()
    tell(acme.tenant_id, "subscription_started", subscription_id)
    send()
    assert len(addresses(rows)) == len(smtp.letters) == 1
    assert [row.state for row in rows("SELECT state FROM notices WHERE sent_at IS NOT NULL")] == ["sent"]


def test_another_step_is_another_notice(acme, tell, rows):
    invoice_id = acme.invoice(status="open", attempt_count=2)
    for step in ("1", "2", "2"):
        tell(acme.tenant_id, "payment_failed", invoice_id, step=step)
    assert [row.step for row in rows("SELECT step FROM notices ORDER BY step")] == ["1", "2"]


def test_a_rolled_back_transaction_says_nothing(app, acme, send, smtp, rows):
    with app.app_context(), tenancy.bound(acme.tenant_id):
        notify("subscription_started", str(acme.subscription()))
        assert send() == 0
        db.session.rollback()
    assert send() == 0
    assert addresses(rows) == []
    assert smtp.letters == []


def test_transactions_at_once_write_each_notice_once(app, acme, send, smtp, rows):
    for number in range(3):
        acme.member(f"owner{number}@acme.example")
    subscription_id = str(acme.subscription())
    barrier = threading.Barrier(6)

    def say() -> None:
        with app.app_context(), tenancy.bound(acme.tenant_id):
            barrier.wait(10)
            notify("subscription_started", subscription_id)
            db.session.commit()

    side_by_side(*[say] * 6)
    send()
    assert len(addresses(rows)) == len(smtp.letters) == 4


def test_the_worker_may_say_it_too(worker, acme, rows):
    with worker.app_context(), tenancy.bound(acme.tenant_id):
        notify("subscription_started", str(acme.subscription()))
        db.session.commit()
    assert addresses(rows) == ["billing@acme.example"]


def test_without_a_tenant_it_is_refused(app):
    with app.app_context(), tenancy.bound(), pytest.raises(tenancy.BindingError):
        notify("subscription_started", "1")


def test_an_unknown_kind_is_refused(app, acme):
    with app.app_context(), tenancy.bound(acme.tenant_id), pytest.raises(KeyError):
        notify("birthday", "1")
