"""The pages of coupons: the plans with a code, what runs on the subscription, the staff's list."""

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select

from portal.billing.publish_coupons import publish_missing_coupons
from portal.models import AuditEntry, Coupon, OutboxRow
from tests.pages import rows
from tests.support import coupons, html, people

SOON = rows.NOW + timedelta(days=5)


def deals(page):
    return [each.text for each in page.all(class_="plan-deal")]


def codes(page):
    return [form.fields().get("code") for form in page.all("form", action="/checkout")]


def test_an_automatic_one_is_explained_and_sent_with_the_choice(browser, write):
    rows.coupon(write, "WELCOME20", automatic=True, first_time_only=True)
    write.commit()
    page = html.page(browser.get("/plans"))
    assert "WELCOME20: 20% off your first invoice, applied automatically" in page.text
    assert "Because this is the first purchase of your organisation." in page.text
    assert deals(page)[0] == "First invoice $23.20 with WELCOME20"
    assert codes(page) == [None, "WELCOME20", "WELCOME20", "WELCOME20"]


@pytest.mark.parametrize(
    ("terms", "words"),
    [({"valid_until": SOON}, "Because it is offered until"), ({}, "Because it saves you most of what is offered now.")],
)
def test_other_reasons_for_an_automatic_one(browser, write, terms, words):
    rows.coupon(write, automatic=True, **terms)
    write.commit()
    assert words in html.page(browser.get("/plans")).text


def test_an_entered_one_wins_where_it_fits(browser, write):
    rows.coupon(write, "AUTO", automatic=True)
    rows.coupon(write, "LARGE", minimum_amounts={"usd": 5000}, percent_off=Decimal(50))
    write.commit()
    page = html.page(browser.get("/plans?code=large"))
    assert codes(page) == [None, "AUTO", "LARGE", "LARGE"]
    assert "LARGE is not for this plan" in page.text
    assert "LARGE will be used: 50% off your first invoice." in page.text


def test_one_that_fits_nowhere_is_refused_beside_its_field(browser, write):
    rows.coupon(write, "AUTO", automatic=True)
    rows.coupon(write, "TEAM", minimum_amounts={"usd": 10_000_000})
    write.commit()
    for code, reason in (
        ("nope", "We do not know this coupon. Check how it is spelled."),
        ("TEAM", "This coupon needs a price of at least $100,000.00."),
    ):
        answer = browser.get(f"/plans?code={code}")
        page = html.page(answer, 422)
        assert reason in page.text
        assert codes(page) == [None, "AUTO", "AUTO", "AUTO"]  # what would be used is what is shown


def test_whoever_may_not_buy_is_offered_no_coupon(app, person, write):
    rows.coupon(write, automatic=True)
    write.commit()
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    page = html.page(viewer.get("/plans?code=SAVE20"))
    assert (deals(page), page.all("form", action="/plans")) == ([], [])


def test_used_up_between_the_page_and_the_click(app, browser, person, write):
    """The reason and the price without it, before anything is bought; nothing half-done stays."""
    coupon = rows.coupon(write, "LAST", max_redemptions=1)
    write.commit()
    page = html.page(browser.get("/plans?code=LAST"))
    assert codes(page)[1] == "LAST"
    other = people.member()
    rows.redemption(write, coupon, rows.checkout(write, other.tenant_id), "reserved")
    write.commit()
    answer = browser.send("/checkout", "/plans", plan_id="starter", interval="month", code="LAST")
    page = html.page(answer, 422)
    assert "This coupon has been used up by others." in page.text
    assert codes(page) == [None] * 4
    assert coupons.states(person.tenant_id) == []


@pytest.mark.parametrize("code", ["%00", "a" * 3000, "<script>alert(1)</script>", "%C4%B0", "' OR 1=1"])
def test_strange_codes_are_only_unknown(browser, code):
    for path in ("/plans", "/coupons"):
        answer = browser.get(f"{path}?code={code}")
        assert answer.status_code in (200, 422), answer.text
        assert "<script>alert" not in answer.text


def test_guessing_codes_comes_to_an_end(app, browser, write):
    """Not even a right one is told from a wrong one then; other tenants go on."""
    rows.coupon(write, "SECRET")
    write.commit()
    for number in range(20):
        assert "We do not know this coupon." in html.page(browser.get(f"/plans?code=guess{number}"), 422).text
    for code in ("guess", "SECRET"):
        refused = html.page(browser.get(f"/plans?code={code}"), 429).text
        assert "Too many codes that we do not know. Please wait 15 min and try again." in refused
    other = people.browser(app, people.member())
    assert "SECRET will be used" in html.page(other.get("/plans?code=SECRET")).text


def test_nothing_runs_without_a_plan(browser):
    assert "You have no running plan." in browser.get("/coupons").text


def test_what_runs_and_what_is_left_of_it(browser, person, write):
    coupon = rows.coupon(write, "LOYAL", duration="repeating", duration_in_months=3)
    running = {
        "id": "di_1", "stripe_coupon_id": coupon.stripe_coupon_id, "name": "Loyal", "percent_off": "20",
        "amount_off_minor": None, "currency": None, "duration": "repeating",
        "starts_at": rows.NOW.isoformat(), "ends_at": (rows.NOW + timedelta(days=70)).isoformat(),
    }  # fmt: skip
    subscription = rows.subscription(write, person.tenant_id, discounts=[running])
    redemption = rows.redemption(write, coupon, subscription)
    write.commit()
    page = html.page(browser.get("/coupons"))
    assert "on your next 2 invoices" in page.text
    assert page.all("form", action=f"/coupons/{redemption.id}/remove")
    assert "Enter a coupon" not in page.text


def test_a_viewer_sees_discounts_and_changes_none(app, person, write):
    rows.subscription(write, person.tenant_id)
    write.commit()
    viewer = people.browser(app, people.member(person.tenant_id, "viewer"))
    page = html.page(viewer.get("/coupons?code=SAVE20"))
    assert "Your role can look at discounts but not use a coupon." in page.text
    assert page.all("form", action="/coupons") == []


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return people.browser(app, people.staff("finance"))


MADE = {"code": " made-1 ", "name": "Made", "duration": "once", "max_per_tenant": "1"}


def test_staff_make_one_and_it_is_published(app, keeper, write, settings, worker):
    more = {"percent_off": "12.5", "max_redemptions": "3", "minimum_amounts": "10.00", "plan_ids": ["starter"]}
    answer = keeper.send("/staff/coupons", "/staff/coupons", **MADE, **more, valid_until="2099-12-31", automatic="1")
    assert answer.status_code == 303, answer.text
    made = write.scalars(select(Coupon)).one()
    assert (made.code, made.percent_off, made.max_redemptions) == ("MADE-1", Decimal("12.50"), 3)
    assert (made.minimum_amounts, made.plan_ids, made.automatic) == ({"usd": 1000}, ["starter"], True)
    assert made.valid_until.isoformat() == "2100-01-01T00:00:00+00:00"
    assert write.scalars(select(OutboxRow.kind).where(OutboxRow.kind == "coupon.publish")).all() == ["coupon.publish"]
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "coupon.create")).one()
    assert (entry.actor_kind, entry.after["percent_off"]) == ("staff", "12.5")
    with worker.app_context():
        publish_missing_coupons()
    write.expire_all()
    assert made.stripe_coupon_id == f"coupon_{made.id.hex}"
    assert "Offered" in keeper.get("/staff/coupons").text
    keeper.send("/staff/coupons/made-1/archive", "/staff/coupons")
    write.expire_all()
    assert made.archived_at is not None
    assert "Archived" in keeper.get("/staff/coupons").text
    assert keeper.send("/staff/coupons/nope/archive", "/staff/coupons").status_code == 404


def test_amounts_in_several_currencies(keeper, write):
    form = {**MADE, "amounts_off": "5; 4.50 EUR; 700 jpy", "minimum_amounts": "20 USD"}
    assert keeper.send("/staff/coupons", "/staff/coupons", **form).status_code == 303
    made = write.scalars(select(Coupon)).one()
    assert made.amounts_off == {"usd": 500, "eur": 450, "jpy": 700}
    assert made.minimum_amounts == {"usd": 2000}


BAD = [
    ({"code": "x"}, "A code has 2 to 40 letters"),
    ({"code": "a b"}, "A code has 2 to 40 letters"),
    ({"name": ""}, "A name has 1 to 40 characters"),
    ({"name": "n" * 41}, "A name has 1 to 40 characters"),
    ({"percent_off": ""}, "Give either a percentage"),
    ({"percent_off": "0"}, "Give either a percentage"),
    ({"percent_off": "100.01"}, "Give either a percentage"),
    ({"percent_off": "12.345"}, "Give either a percentage"),
    ({"percent_off": "NaN"}, "Enter a number."),
    ({"percent_off": "1e999999"}, "Give either a percentage"),
    ({"amounts_off": "5"}, "Give either a percentage"),
    ({"percent_off": "", "amounts_off": "-5"}, "Give either a percentage"),
    ({"percent_off": "", "amounts_off": "0.001"}, "This amount has more digits than the currency."),
    ({"percent_off": "", "amounts_off": "5.5 JPY"}, "This amount has more digits than the currency."),
    ({"percent_off": "", "amounts_off": "five"}, "Write one amount for each currency"),
    ({"percent_off": "", "amounts_off": "NaN"}, "This amount has more digits than the currency."),
    ({"percent_off": "", "amounts_off": "5 USD; 4 USD"}, "Write one amount for each currency"),
    ({"percent_off": "", "amounts_off": "5 XQZ"}, "Write one amount for each currency"),
    ({"percent_off": "", "amounts_off": "5 USD;"}, "Write one amount for each currency"),
    ({"duration": "repeating"}, "A discount for some months needs their number"),
    ({"duration_in_months": "3"}, "A discount for some months needs their number"),
    ({"duration": "weekly"}, "Not a valid choice"),
    ({"max_redemptions": "0"}, "A limit is a whole number"),
    ({"max_per_tenant": "-1"}, "A limit is a whole number"),
    ({"max_redemptions": "99999999999999999999"}, "A limit is a whole number"),
    ({"minimum_amounts": "0"}, "A minimum price is an amount above zero"),
    ({"valid_until": "2020-01-01"}, "The end must lie in the future"),
    ({"valid_from": "2099-01-02", "valid_until": "2099-01-01"}, "The end must lie in the future"),
    ({"plan_ids": "nope"}, "Choose plans that are on sale."),
]


@pytest.mark.parametrize(("change", "sentence"), BAD)
def test_what_staff_cannot_make(keeper, write, change, sentence):
    answer = keeper.send("/staff/coupons", "/staff/coupons", **{**MADE, "percent_off": "10", **change})
    assert sentence in html.page(answer, 422).text
    assert write.scalars(select(Coupon)).all() == []


def test_a_code_is_taken_in_any_spelling(keeper, write):
    rows.coupon(write, "SAVE20")
    write.commit()
    answer = keeper.send("/staff/coupons", "/staff/coupons", **{**MADE, "code": "save20", "percent_off": "10"})
    assert answer.status_code == 409
    assert "There is a coupon with this code already" in answer.text


def test_support_looks_and_writes_nothing(app, write):
    support = people.browser(app, people.staff("support"))
    assert support.get("/staff/coupons").status_code == 200
    assert "new-coupon" not in support.get("/staff/coupons").text
    assert support.send("/staff/coupons", "/account", **MADE, percent_off="10").status_code == 403
