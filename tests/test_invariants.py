"""The invariants of money find what they are there to find: each is broken on purpose, as the owner of the database."""

import pytest
from sqlalchemy import text

from portal import invariants, tenancy
from tests.pages import rows as pages
from tests.support.shopping import buy

BREAKS = {
    "ledger": "UPDATE invoices SET total_minor = total_minor + 1",
    "totals": "UPDATE invoice_lines SET amount_minor = amount_minor + 1",
    "settlement": "UPDATE invoices SET amount_paid_minor = amount_paid_minor - 1",
    "refunds": "UPDATE payments SET refunded_minor = amount_minor + 1",
    "once": """INSERT INTO invoices (tenant_id, id, stripe_invoice_id, stripe_subscription_id, subscription_id, number,
        status, billing_reason, currency, subtotal_minor, total_minor, amount_due_minor, amount_paid_minor,
        amount_remaining_minor, period_start, created_at) SELECT tenant_id, gen_random_uuid(), 'in_twice',
        stripe_subscription_id, subscription_id, NULL, 'open', billing_reason, currency, 0, 0, 0, 0, 0, period_start,
        created_at FROM invoices""",
    "numbers": """INSERT INTO invoices (tenant_id, id, stripe_invoice_id, number, status, currency, subtotal_minor,
        total_minor, amount_due_minor, amount_paid_minor, amount_remaining_minor, issued_at, created_at)
        SELECT tenant_id, gen_random_uuid(), 'in_later', regexp_replace(number, '[0-9]+$', '9999'), 'open', currency,
        0, 0, 0, 0, 0, issued_at - interval '1 day', created_at FROM invoices""",
    "caps": """WITH c AS (INSERT INTO coupons (id, code, name, percent_off, duration, max_redemptions)
        VALUES (gen_random_uuid(), 'CAPPED', 'Capped', 10, 'once', 1) RETURNING id) SELECT 1""",
    "credit": """INSERT INTO credit_notes (tenant_id, id, invoice_id, stripe_credit_note_id, number, status, currency,
        subtotal_minor, discount_minor, tax_minor, total_minor, lowered_minor, refunded_minor, balance_minor,
        out_of_band_minor, issued_at) SELECT tenant_id, gen_random_uuid(), id, 'cn_1', 'CN-1', 'issued', currency, 0,
        0, 0, 10, 0, 0, 0, 0, now() FROM invoices""",
    "mirror": "INSERT INTO drift_findings (id, kind, object_id) VALUES (gen_random_uuid(), 'drift', 'in_1')",
}


@pytest.fixture(name="bought")
def fixture_bought(web, tenant, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain, "starter")


def test_there_are_fourteen():
    assert len(invariants.QUERIES) == 14
    assert set(BREAKS) <= set(invariants.QUERIES)


def test_nothing_is_found_where_all_is_well(bought):
    with tenancy.reader_session() as session:
        assert invariants.broken(session) == {}


@pytest.mark.parametrize("name", [name for name in BREAKS if name != "caps"])
def test_what_is_broken_is_found(bought, settings, name):
    with pages.written(settings) as session:
        session.execute(text(BREAKS[name]))
    with tenancy.reader_session() as session:
        assert name in invariants.broken(session)
