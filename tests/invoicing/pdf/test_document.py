"""The snapshot keeps every field exactly and refuses what it does not understand."""

import datetime as dt
import json
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.invoicing.pdf import InvalidDocument, InvoiceDocument, Line
from tests.invoicing.pdf.samples import ONE_LINE, SAMPLES

decimals = st.decimals(allow_nan=False, allow_infinity=False, places=12, min_value=-(10**9), max_value=10**9)
days = st.none() | st.dates()
lines = st.builds(
    Line,
    description=st.text(),
    amount_minor=st.integers(),
    quantity=st.none() | decimals,
    unit_amount_minor=st.none() | st.integers(),
    unit_amount_decimal=st.none() | decimals,
    period_start=days,
    period_end=days,
    tax_rates=st.lists(decimals).map(tuple),
)


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_survive_json(name):
    document = SAMPLES[name]
    assert InvoiceDocument.from_json(json.loads(json.dumps(document.to_json()))) == document


@given(st.lists(lines, max_size=4).map(tuple), st.text(), days)
def test_anything_survives_json(some_lines, notes, due_on):
    document = replace(ONE_LINE, lines=some_lines, notes=notes, due_on=due_on)
    assert InvoiceDocument.from_json(json.loads(json.dumps(document.to_json()))) == document


def test_a_snapshot_has_no_floats():
    line = ONE_LINE.to_json()["lines"][0]
    assert (line["amount_minor"], line["quantity"], line["period_start"]) == (2900, "1", "2026-11-01")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"total_minor": 29.0}, "document.total_minor must be a whole number"),
        ({"total_minor": True}, "document.total_minor must be a whole number"),
        ({"total_minor": None}, "document.total_minor must be a whole number"),
        ({"issued_on": "yesterday"}, "document.issued_on cannot be read"),
        ({"status": "draft"}, "document.status must be one of open, paid"),
        ({"lines": {}}, "document.lines must be a list"),
        ({"lines": [{"description": "x"}]}, r"document.lines\[0\].amount_minor is missing"),
        ({"lines": [{"description": "x", "amount_minor": 1, "quantity": "NaN"}]}, "must be a finite number"),
        ({"issuer": "ACME"}, "document.issuer must be an object"),
        ({"surprise": 1}, "document has unknown fields: surprise"),
        (
            {"taxes": [{"name": "VAT", "rate": "1", "amount_minor": 1, "inclusive": 1}]},
            "must be true or false",
        ),
        ({"currency": "dollars"}, "not a currency code"),
        ({"portal_url": "javascript:alert(1)"}, "http"),
        ({"portal_url": "file:///etc/passwd"}, "http"),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused_by_name(change, complaint):
    with pytest.raises(InvalidDocument, match=complaint):
        InvoiceDocument.from_json(ONE_LINE.to_json() | change)


def test_fields_with_a_default_may_be_missing_in_old_snapshots():
    values = ONE_LINE.to_json()
    del values["purchase_order"]
    assert InvoiceDocument.from_json(values) == ONE_LINE


def test_the_finer_unit_price_wins():
    assert Line(description="", amount_minor=1, unit_amount_minor=2).unit_price == 2
    assert Line(description="", amount_minor=1, unit_amount_decimal=Decimal("0.025")).unit_price == Decimal("0.025")
    assert Line(description="", amount_minor=1).unit_price is None


def test_balance_and_tax_are_worked_out_from_the_snapshot():
    assert SAMPLES["part_credit"].balance_applied_minor == -2500
    assert SAMPLES["open_with_tax"].exclusive_tax_minor == 8592
    assert SAMPLES["yen"].exclusive_tax_minor == 0


def test_a_document_cannot_be_changed():
    with pytest.raises(AttributeError):
        ONE_LINE.issued_on = dt.date(2020, 1, 1)
