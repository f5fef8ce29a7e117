"""Whatever is issued as an e-invoice passes the rules of EN 16931, as CII and as UBL; what cannot says why."""

import datetime as dt
import os
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal.invoicing.einvoices import CII, UBL, NotExpressible, cii, failures, missing, ubl
from portal.invoicing.pdf.document import InvoiceDocument, Line, Tax
from tests.invoicing.pdf.samples import CREDITS, CUSTOMER, DINAR, HOSTILE, ISSUER, ONE_LINE, OPEN_WITH_TAX, YEN, ZERO

EXAMPLES = 200 if os.environ.get("ALL_WAYS") else 20
SELLER = replace(ISSUER, line1="Calle de Alcalá 42", city="Madrid", postal_code="28014", country="ES")
PLACE = {"line1": "<b>Road</b> \x00 1", "city": "Ciudad", "postal_code": "1", "country": "ES"}
BUYER = replace(CUSTOMER, line1="Torstraße 140", city="Berlin", postal_code="10119", country="DE")

_days = st.dates(dt.date(2024, 1, 1), dt.date(2030, 12, 31))
_rates = st.sampled_from([None, Decimal(0), Decimal(4), Decimal("8.875"), Decimal(21)])
_words = st.text(st.characters(min_codepoint=32, exclude_categories=("Cs", "Cc", "Cn", "Co")), max_size=60)


@st.composite
def _lines(draw) -> Line:
    amount = draw(st.integers(-(10**7), 10**9))
    start = draw(st.none() | _days)
    rate = draw(_rates)
    return Line(
        description=draw(_words),
        detail=draw(_words),
        amount_minor=amount,
        quantity=Decimal(draw(st.integers(0, 10**6))),
        discount_minor=draw(st.integers(0, max(amount, 0))),
        period_start=start,
        period_end=start + dt.timedelta(days=30) if start else None,
        tax_rates=() if rate is None else (rate,),
    )


def _taxes(lines: tuple[Line, ...]) -> tuple[Tax, ...]:
    """As Stripe sums them: a row per rate."""
    nets: dict[Decimal, int] = {}
    for line in lines:
        for rate in line.tax_rates:
            nets[rate] = nets.get(rate, 0) + line.amount_minor - line.discount_minor
    return tuple(
        Tax(name="VAT", rate=rate, taxable_minor=net, amount_minor=int((net * rate / 100).to_integral_value()))
        for rate, net in nets.items()
    )


@st.composite
def documents(draw) -> InvoiceDocument:
    """Invoices and credit notes of any figures, paid in part, between several kinds of parties."""
    lines = tuple(draw(st.lists(_lines(), min_size=1, max_size=5)))
    taxes = _taxes(lines)
    net = sum(line.amount_minor - line.discount_minor for line in lines)
    total = net + sum(tax.amount_minor for tax in taxes)
    due = draw(st.integers(0, max(total, 0)))
    is_note = draw(st.booleans())
    return replace(
        ONE_LINE,
        kind="credit_note" if is_note else "invoice",
        about="INV-1" if is_note else "",
        status="issued" if is_note else "paid" if due == 0 else "open",
        number=draw(st.text("ABC123-", min_size=1, max_size=20)),
        currency=draw(st.sampled_from(["eur", "usd", "jpy"])),
        issuer=replace(SELLER, tax_id=draw(st.sampled_from(["ESB12345674", "12-3456789"]))),
        customer=replace(
            BUYER,
            tax_id=draw(st.sampled_from(["", "DE136695976", "77"])),
            email=draw(st.sampled_from(["", "a@b.example"])),
        ),
        lines=lines,
        taxes=taxes,
        subtotal_minor=net,
        total_minor=total,
        amount_due_minor=0 if is_note else due,
        amount_paid_minor=0 if is_note else total - due,
        issued_on=draw(_days),
        due_on=draw(st.none() | _days),
    )  # fmt: skip


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(documents())
def test_whatever_is_issued_passes_the_rules(document):
    assert missing(document) == ()
    assert failures(cii(document), CII) == []
    assert failures(ubl(document), UBL) == []


def test_the_rules_are_really_asked():
    document = replace(OPEN_WITH_TAX, issuer=SELLER, customer=BUYER)
    wrong = cii(document).replace(b"<ram:DuePayableAmount>527.46", b"<ram:DuePayableAmount>527.47")
    assert any("BR-CO-16" in failure for failure in failures(wrong))
    assert failures(ubl(document).replace(b'unitCode="C62"', b'unitCode="PIECE"', 1), UBL)


def test_the_recipient_owes_the_tax_between_countries_of_the_union():
    document = replace(ONE_LINE, issuer=SELLER, customer=BUYER)
    assert b"VATEX-EU-AE" in cii(document)
    assert b"VATEX-EU-AE" not in cii(replace(document, customer=replace(BUYER, tax_id="ESA00000000")))
    assert b"VATEX-EU-AE" not in cii(replace(document, customer=replace(BUYER, tax_id="")))


def test_documents_go_by_peppol_where_both_sides_have_an_address_there():
    document = replace(ONE_LINE, issuer=SELLER, customer=BUYER)
    said = ubl(document)
    assert b'schemeID="9920">ESB' in said
    assert b'schemeID="9930">DE1' in said
    assert b"peppol" in said
    entered = ubl(replace(document, customer=replace(BUYER, electronic_address="0088:4012345000009")))
    assert b'schemeID="0088">4012345000009' in entered
    by_mail = ubl(replace(document, customer=replace(BUYER, tax_id="77", email="a@b.example")))
    assert b'schemeID="EM">a@b.example' in by_mail
    assert b"peppol" not in by_mail
    assert (failures(entered, UBL), failures(by_mail, UBL)) == ([], [])


def test_an_exempt_customer_and_its_purchase_order_are_said():
    document = replace(ONE_LINE, issuer=SELLER, customer=BUYER, exemption="Certificate 17", purchase_order="PO-17")
    for said, rules in ((cii(document), CII), (ubl(document), UBL)):
        assert b"Certificate 17" in said
        assert b"VATEX-EU-AE" not in said
        assert b"PO-17" in said
        assert failures(said, rules) == []


@pytest.mark.parametrize("sample", [OPEN_WITH_TAX, ZERO, CREDITS])
def test_samples_pass(sample):
    document = replace(sample, issuer=SELLER, customer=BUYER)
    assert (missing(document), failures(cii(document)), failures(ubl(document), UBL)) == ((), [], [])


@pytest.mark.parametrize(
    ("document", "lacking"),
    [
        (
            OPEN_WITH_TAX,
            {"issuer.line1", "issuer.country", "customer.city", "customer.country"},
        ),
        (replace(OPEN_WITH_TAX, issuer=replace(SELLER, tax_id="")), {"issuer.tax_id"}),
        (replace(DINAR, issuer=SELLER), {"currency"}),
        (replace(YEN, issuer=SELLER, customer=BUYER), {"taxes"}),
        (replace(OPEN_WITH_TAX, issuer=SELLER, customer=BUYER, total_minor=1), {"figures"}),
        (replace(ONE_LINE, issuer=SELLER, customer=BUYER, lines=()), {"figures"}),
        (replace(ONE_LINE, issuer=replace(SELLER, country="Spain"), customer=BUYER), {"issuer.country"}),
    ],
)
def test_what_cannot_be_one_names_what_it_lacks(document, lacking):
    assert lacking <= set(missing(document))


def test_hostile_texts_are_only_texts():
    texts = {"issuer": replace(HOSTILE.issuer, **PLACE), "customer": replace(HOSTILE.customer, **PLACE)}
    document = replace(HOSTILE, **texts)
    assert missing(document) == ()
    assert (failures(cii(document)), failures(ubl(document), UBL)) == ([], [])
    assert b"<script" not in cii(document)


def test_what_the_format_cannot_say_is_refused():
    with pytest.raises(NotExpressible):
        cii(replace(ONE_LINE, issuer=SELLER, customer=BUYER, number=""))
