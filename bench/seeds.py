"""Invoices in bulk, by one statement past the portal's verbs."""

from collections.abc import Mapping
from uuid import UUID

from bench.places import owner_connection

# Mostly paid, with a document; every tenth still open. Created a minute apart, the newest now.
_INVOICES = """
    INSERT INTO invoices (tenant_id, id, stripe_invoice_id, number, status, currency, subtotal_minor, total_minor,
        amount_due_minor, amount_paid_minor, amount_remaining_minor, issued_at, due_at, paid_at, document_state,
        created_at)
    SELECT %(tenant)s, gen_random_uuid(), 'in_bench_' || n, 'INV-' || lpad(n::text, 7, '0'),
        CASE WHEN n %% 10 = 0 THEN 'open' ELSE 'paid' END, 'usd', amount, amount, amount,
        CASE WHEN n %% 10 = 0 THEN 0 ELSE amount END, CASE WHEN n %% 10 = 0 THEN amount ELSE 0 END,
        at, at + interval '30 days', CASE WHEN n %% 10 = 0 THEN NULL ELSE at END, 'ready', at
    FROM (SELECT n, 2900 + n %% 977 AS amount, now() - make_interval(mins => n) AS at
          FROM generate_series(1, %(count)s) AS n) AS seeds"""

_LINES = """
    INSERT INTO invoice_lines (tenant_id, id, invoice_id, stripe_line_id, position, description, quantity,
        unit_amount, amount_minor, period_start, period_end)
    SELECT tenant_id, gen_random_uuid(), id, 'il_bench_' || n, n, 'Professional, line ' || n, n, 1250, n * 1250,
        created_at, created_at + interval '30 days'
    FROM invoices, generate_series(1, 12) AS n"""
_NOTICES = """
    INSERT INTO notices (tenant_id, id, kind, object_id, channel, recipient, language)
    SELECT i.tenant_id, gen_random_uuid(), 'invoice_issued', i.id::text, 'mail', recipient, 'en'
    FROM invoices i, (SELECT email FROM tenants UNION SELECT email FROM users) AS known (recipient)"""
_DOCUMENTS = """
    INSERT INTO outbox (id, kind, key, tenant_id, payload)
    SELECT gen_random_uuid(), 'document.render', 'document:' || id, tenant_id,
        jsonb_build_object('invoice_id', id, 'attempt', 0)
    FROM invoices"""


def insert_invoices(environment: Mapping[str, str], tenant_id: UUID, count: int) -> None:
    """``count`` invoices of one tenant, and fresh statistics for the planner."""
    with owner_connection(environment) as connection:
        connection.execute(_INVOICES, {"tenant": tenant_id, "count": count})
        connection.execute("VACUUM ANALYZE invoices")


def insert_documents_to_do(environment: Mapping[str, str], tenant_id: UUID, count: int) -> None:
    """``count`` invoices of 12 lines in place of what there was, each owing its document; their mail has been told."""
    with owner_connection(environment) as connection, connection.transaction():
        connection.execute(
            "TRUNCATE outbox, invoices, invoice_lines, invoice_documents, notices, payments, drift_findings CASCADE"
        )
        connection.execute(_INVOICES, {"tenant": tenant_id, "count": count})
        connection.execute("UPDATE invoices SET document_state = 'pending'")
        connection.execute(_LINES)
        connection.execute(_NOTICES)
        connection.execute(_DOCUMENTS)
