"""What is mailed about payment methods and about invoices that stay unpaid, and what no longer is."""

from datetime import timedelta

import pytest

from tests.pages import rows


@pytest.fixture(name="subjects")
def fixture_subjects(tell, send, smtp):
    """Tell the company, let the worker work; returns the subjects of the mails that left."""

    def subjects(acme, kind, object_id, **options):
        smtp.letters.clear()
        acme.session.commit()
        tell(acme.tenant_id, kind, object_id, **options)
        send()
        return [letter.message["Subject"] for letter in smtp.letters]

    return subjects


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ("default", "Your default payment method was changed"),
        ("backup", "Your backup payment method was changed"),
        ("removed", "A payment method was removed"),
    ],
)
def test_a_change_of_methods(acme, subjects, smtp, change, subject):
    method = rows.method(acme.session, acme.tenant_id)
    assert subjects(acme, "payment_method_changed", method.id, params={"change": change}) == [subject]
    assert "Visa •••• 4242" in smtp.letters[0].message.get_body(("plain",)).get_content()


def test_a_method_that_was_added(acme, subjects, smtp):
    method = rows.method(acme.session, acme.tenant_id)
    saved = method.stripe_payment_method_id
    setup = rows.method_setup(acme.session, acme.tenant_id, "complete", stripe_payment_method_id=saved)
    assert subjects(acme, "payment_method_added", setup.id) == ["A payment method was added"]
    assert "Visa •••• 4242" in smtp.letters[0].message.get_body(("plain",)).get_content()


def test_a_card_that_expires_and_one_that_was_removed_meanwhile(acme, subjects):
    soon = {"exp_year": rows.NOW.year, "exp_month": rows.NOW.month}
    kept = rows.method(acme.session, acme.tenant_id, **soon)
    removed = rows.method(acme.session, acme.tenant_id, detached_at=rows.NOW, **soon)
    assert subjects(acme, "card_expires", kept.id) == ["Your card Visa •••• 4242 expires soon"]
    assert subjects(acme, "card_expires", removed.id) == []


@pytest.mark.parametrize(
    ("state", "subject"),
    [
        ("restricted", "Your plan is restricted"),
        ("suspended", "Your plan is suspended"),
        ("good", "Everything works again"),
    ],
)
def test_a_standing_that_changed(acme, subjects, state, subject):
    row = rows.standing(acme.session, acme.tenant_id, state, days=8)
    assert subjects(acme, "standing_changed", row.id, params={"state": state}) == [subject]


def test_a_standing_that_was_undone_before_the_mail_left(acme, subjects):
    row = rows.standing(acme.session, acme.tenant_id, "good", days=8)
    assert subjects(acme, "standing_changed", row.id, params={"state": "suspended"}) == []


def test_the_mail_about_a_failed_payment_says_until_when_all_works(acme, subjects, smtp):
    invoice = acme.invoice(status="open", attempt_count=1, payment_state="failed", failure_code="no_method",
                           overdue_since=rows.NOW - timedelta(days=1))  # fmt: skip
    rows.standing(acme.session, acme.tenant_id, "grace", days=1)
    assert len(subjects(acme, "payment_failed", invoice, step="1")) == 1
    text = smtp.letters[0].message.get_body(("plain",)).get_content()
    assert "There is no payment method that could be charged." in " ".join(text.split())
    assert "everything works as usual" in " ".join(text.split())


def test_the_mail_about_a_standing_names_what_is_open(acme, subjects, smtp):
    since = rows.NOW - timedelta(days=8)
    invoice = acme.invoice(status="open", payment_state="failed", overdue_since=since)
    row = rows.standing(acme.session, acme.tenant_id, "restricted", days=8)
    assert len(subjects(acme, "standing_changed", row.id, params={"state": "restricted"})) == 1
    text = " ".join(smtp.letters[0].message.get_body(("plain",)).get_content().split())
    assert "$29.00 USD" in text
    assert "INV-0001 · $29.00" in text
    assert f"/invoices/{invoice}/pay" in text
