"""Documents of credit notes and payments, and what the issuer looks like."""

from alembic import op
from policies import run

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

DOCUMENTS = """
ALTER TABLE invoice_documents
    ADD COLUMN credit_note_id uuid,
    ADD COLUMN payment_id uuid,
    ADD CONSTRAINT invoice_documents_credit_note_id_fkey FOREIGN KEY (tenant_id, credit_note_id)
        REFERENCES credit_notes (tenant_id, id),
    ADD CONSTRAINT invoice_documents_payment_id_fkey FOREIGN KEY (tenant_id, payment_id)
        REFERENCES payments (tenant_id, id),
    ADD CONSTRAINT invoice_documents_subject_check CHECK (kind IN ('invoice', 'credit_note', 'receipt')
        AND (kind = 'credit_note') = (credit_note_id IS NOT NULL) AND (kind = 'receipt') = (payment_id IS NOT NULL)),
    DROP CONSTRAINT invoice_documents_kind_key,
    ADD CONSTRAINT invoice_documents_subject_key
        UNIQUE NULLS NOT DISTINCT (tenant_id, invoice_id, kind, credit_note_id, payment_id);
"""

STATES = """
ALTER TABLE {table}
    ADD COLUMN document_state text NOT NULL DEFAULT 'none',
    ADD COLUMN document_attempt bigint NOT NULL DEFAULT 0,
    ADD CONSTRAINT {table}_document_state_check CHECK (document_state IN ('none', 'pending', 'ready', 'failed'));
"""

BRANDING = """
ALTER TABLE installation ADD COLUMN logo bytea,
    ADD CONSTRAINT installation_logo_check CHECK (length(logo) <= 204800);
ALTER TABLE installation ENABLE ROW LEVEL SECURITY;
-- Addresses were lists of lines before they had parts.
UPDATE installation SET issuer = (issuer - 'address') || jsonb_build_object(
    'line1', coalesce(issuer #>> '{address,0}', ''),
    'line2', coalesce((SELECT string_agg(line, ', ' ORDER BY at)
        FROM jsonb_array_elements_text(issuer -> 'address') WITH ORDINALITY AS lines (line, at) WHERE at > 1), ''))
WHERE jsonb_typeof(issuer -> 'address') = 'array';
"""


def upgrade() -> None:
    op.execute(DOCUMENTS)
    op.execute(BRANDING)
    for table in ("credit_notes", "payments"):
        op.execute(STATES.format(table=table))
        # A request may ask for a document; what Stripe owns it can only read.
        run(f"CREATE POLICY {table}_web_update ON {table} FOR UPDATE TO {{web}}"
            " USING (tenant_id = {tenant}) WITH CHECK (tenant_id = {tenant})")  # fmt: skip
        run(f"GRANT UPDATE (document_state, document_attempt) ON {table} TO {{web}}")
    # Not forced: the account is bound by the owner.
    run("CREATE POLICY installation_read ON installation FOR SELECT"
        " TO {web}, {worker}, {staff}, {reader}, {backup} USING (true)")  # fmt: skip
    run("CREATE POLICY installation_web ON installation FOR UPDATE TO {web}"
        " USING (is_keeper()) WITH CHECK (is_keeper())")  # fmt: skip
    run("GRANT UPDATE (issuer, logo) ON installation TO {web}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
