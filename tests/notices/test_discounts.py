"""What is said about coupons on a running subscription."""

import os
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from portal.models import CouponRedemption, Subscription
from tests.pages import rows

SHOTS = os.environ.get("SHOTS")  # a folder for mails to be looked at


@pytest.fixture(name="redemption")
def fixture_redemption(acme) -> CouponRedemption:
    subscription_id: UUID = acme.subscription()
    subscription = acme.session.get_one(Subscription, (acme.tenant_id, subscription_id))
    lasts = {"duration": "repeating", "duration_in_months": 3, "percent_off": Decimal("12.50")}
    made = rows.redemption(acme.session, rows.coupon(acme.session, "LOYAL", **lasts), subscription)
    acme.session.commit()
    return made


@pytest.mark.parametrize(
    ("kind", "subject", "sentence"),
    [
        ("discount_added", "The coupon LOYAL is active", "It takes $5.80 off your next invoice."),
        ("discount_removed", "The coupon LOYAL was removed", "Your next invoice comes without its discount."),
    ],
)
def test_its_subject_its_sentence_and_its_facts(acme, tell, send, smtp, redemption, kind, subject, sentence):
    tell(acme.tenant_id, kind, redemption.id)
    tell(acme.tenant_id, kind, redemption.id)
    send()
    (letter,) = smtp.letters  # once, whatever is told twice
    if SHOTS:
        (Path(SHOTS) / f"{kind}.html").write_text(letter.message.get_body(("html",)).get_content())
    assert letter.message["Subject"] == subject
    assert sentence in letter.text
    assert "Discount: 12.5% off for 3 months" in letter.text
    assert "Coupon: LOYAL" in letter.text


def test_in_the_readers_language(acme, tell, send, smtp, redemption):
    acme.member("pessoa@acme.example", language="pt_BR", format_locale="pt_BR")
    tell(acme.tenant_id, "discount_added", redemption.id)
    send()
    texts = {letter.message["To"]: letter.text for letter in smtp.letters}
    assert "Desconta US$\u00a05,80 da sua próxima fatura." in texts["pessoa@acme.example"]
    assert "12,5% de desconto por 3 meses" in texts["pessoa@acme.example"]
