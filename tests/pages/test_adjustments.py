"""Staff's pages for money that goes back: what is said, what is refused, and that two people are needed."""

import re
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.models import Invoice, Payment
from tests.pages import money_rows, rows
from tests.support import html, people
from tests.support.people import browser
from tests.support.shopping import buy


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return browser(app, people.staff("finance"))


@pytest.fixture(name="bought")
def fixture_bought(app, tenant, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain, "starter")
    drain()
    with tenancy.bound(tenant):
        return db.session.scalars(select(Invoice)).one(), db.session.scalars(select(Payment)).one()


def text_of(page) -> str:
    return html.page(page, page.status_code).text


def at(invoice) -> str:
    return f"/staff/tenants/{invoice.tenant_id}/invoices/{invoice.id}"


def why(**more: str) -> dict[str, str]:
    return {"reason": "asked by phone", "memo": "", "reason_code": "", "attempt": str(uuid4()), **more}


def test_a_refund_is_made_on_the_invoices_page(keeper, bought, drain):
    invoice, payment = bought
    page = keeper.get(at(invoice)).text
    assert "29.00" in page
    assert f'value="{payment.id}"' in page
    answer = keeper.send(f"{at(invoice)}/refund", at(invoice), payment=str(payment.id), amount="9.50", **why())
    assert answer.status_code == 303
    drain()
    page = text_of(keeper.get(at(invoice)))
    assert "It is done" in page
    assert "$19.50" in page
    assert "$9.50" in page


@pytest.mark.parametrize(
    ("amount", "reason", "said"),
    [
        ("30.00", "asked by phone", "At most"),
        ("0", "asked by phone", "nothing left"),
        ("-5", "asked by phone", "nothing left"),
        ("9.999", "asked by phone", "more digits"),
        ("much", "asked by phone", "Enter an amount"),
        ("NaN", "asked by phone", "more digits"),
        ("1e400", "asked by phone", "At most"),
        ("5.00", "", "Say why"),
        ("5.00", "x", "Please say why"),
    ],
)
def test_bad_input_is_said_beside_the_form_and_changes_nothing(keeper, bought, amount, reason, said):
    invoice, payment = bought
    form = {**why(), "reason": reason, "amount": amount, "payment": str(payment.id)}
    answer = keeper.send(f"{at(invoice)}/refund", at(invoice), **form)
    assert answer.status_code in (409, 422)
    assert said in text_of(answer)
    with tenancy.staff_session() as session:
        assert session.scalar(text("SELECT count(*) FROM adjustments")) == 0


def test_a_credit_note_is_looked_at_before_it_is_issued(keeper, bought, drain):
    invoice, _ = bought
    form = why(amount="10.00", way="refund")
    looked = keeper.send(f"{at(invoice)}/credit-note", at(invoice), **form)
    assert looked.status_code == 200
    assert "Stripe would issue this credit note" in text_of(looked)
    seen = re.search(r'name="seen" value="([0-9a-f]+)"', looked.text).group(1)
    other = keeper.send(f"{at(invoice)}/credit-note", at(invoice), **{**form, "amount": "11.00", "seen": seen})
    assert "Stripe would issue this credit note" in text_of(other), "another wish is looked at again"
    assert keeper.send(f"{at(invoice)}/credit-note", at(invoice), **form, seen=seen).status_code == 303
    drain()
    assert "-CN-" in text_of(keeper.get(at(invoice)))


def test_above_the_limit_it_waits_for_somebody_else(app, keeper, bought, drain):
    invoice, payment = bought
    policy = {"second_person_above": "5", "dispute_opened_action": "nothing", "dispute_lost_action": "nothing"}
    assert keeper.send("/staff/money-policy", "/staff/policies", **policy).status_code == 303
    keeper.send(f"{at(invoice)}/refund", at(invoice), payment=str(payment.id), amount="9.50", **why())
    mine = keeper.get("/staff/adjustments").text
    assert "Withdraw" in mine
    assert "Approve" not in mine
    other = browser(app, people.staff("admin"))
    theirs = other.get("/staff/adjustments").text
    path = re.search(r'action="(/staff/tenants/[^"]+/approve)"', theirs).group(1)
    refused = keeper.send(path, "/staff/adjustments")
    assert refused.status_code == 403
    assert other.send(path, "/staff/adjustments").status_code == 303
    drain()
    assert "$9.50" in text_of(other.get(at(invoice)))


def test_the_balance_is_credited(keeper, bought, drain):
    invoice, _ = bought
    path = f"/staff/tenants/{invoice.tenant_id}/balance"
    form = {"kind": "balance_credit", "amount": "12.34", "reason": "goodwill", "memo": "Sorry", "attempt": str(uuid4())}
    for _twice in range(2):
        assert keeper.send(path, path, **form).status_code == 303
    drain()
    assert "$12.34" in text_of(keeper.get(path))


def test_disputes_are_listed_with_their_deadline(app, keeper, settings, tenant):
    with rows.written(settings) as session:
        invoice = rows.invoice(session, tenant, "D-1")
        money_rows.dispute(session, invoice)
    page = text_of(keeper.get("/staff/disputes"))
    assert "D-1" in page
    assert "Answer needed" in page
    assert "The payer says that it was not them" in page
    assert "D-1" in text_of(keeper.get(at(invoice)))


def test_support_looks_and_may_not_act(app, bought):
    invoice, payment = bought
    support = browser(app, people.staff("support"))
    page = support.get(at(invoice)).text
    assert "<form" not in page.split("<main")[1].split("</main")[0]
    assert support.send(f"{at(invoice)}/refund", payment=str(payment.id), amount="1", **why()).status_code == 403


def test_the_tenant_sees_what_went_back(app, settings, tenant):
    owner = people.member(tenant)
    with rows.written(settings) as session:
        invoice = rows.invoice(session, tenant, "G-1")
        rows.credit_note(session, invoice, memo="Sorry for the outage")
        money_rows.refund(session, invoice)
        money_rows.dispute(session, invoice)
        money_rows.adjustment(session, invoice, reason="between us staff")
    page = browser(app, owner).get(f"/invoices/{invoice.id}")
    said = text_of(page)
    for words in ("G-1-CN-01", "Sorry for the outage", "Refunded", "Your bank was asked to take"):
        assert words in said
    assert "between us staff" not in page.text
