"""Money going back: credit notes, refunds and disputes as Stripe has them, and what staff ask for."""

from alembic import op
from policies import protect, read_only, run

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

LEGAL = """
INSERT INTO legal_steps (machine, from_state, to_state) VALUES
    ('adjustment', '', 'proposed'), ('adjustment', '', 'working'),
    ('adjustment', 'proposed', 'working'), ('adjustment', 'proposed', 'rejected'),
    ('adjustment', 'proposed', 'withdrawn'), ('adjustment', 'proposed', 'refused'),
    ('adjustment', 'working', 'done'), ('adjustment', 'working', 'refused'),
    ('adjustment', 'done', 'failed');
"""

MIRRORS = """
CREATE TABLE credit_notes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    stripe_credit_note_id text NOT NULL,
    number text NOT NULL,
    status text NOT NULL,
    currency text NOT NULL,
    subtotal_minor bigint NOT NULL,
    discount_minor bigint NOT NULL,
    tax_minor bigint NOT NULL,
    total_minor bigint NOT NULL,
    lowered_minor bigint NOT NULL,
    refunded_minor bigint NOT NULL,
    balance_minor bigint NOT NULL,
    out_of_band_minor bigint NOT NULL,
    reason text NOT NULL DEFAULT '',
    memo text NOT NULL DEFAULT '',
    lines jsonb NOT NULL DEFAULT '[]',
    taxes jsonb NOT NULL DEFAULT '[]',
    issued_at timestamptz NOT NULL,
    voided_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT credit_notes_stripe_credit_note_id_key UNIQUE (tenant_id, stripe_credit_note_id),
    CONSTRAINT credit_notes_number_key UNIQUE (tenant_id, number),
    CONSTRAINT credit_notes_status_check CHECK (status IN ('issued', 'void')),
    CONSTRAINT credit_notes_amounts_check CHECK (total_minor >= 0 AND lowered_minor >= 0 AND refunded_minor >= 0
        AND balance_minor >= 0 AND out_of_band_minor >= 0),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);
CREATE INDEX credit_notes_invoice_id_idx ON credit_notes (tenant_id, invoice_id);
CREATE INDEX credit_notes_newest_idx ON credit_notes (tenant_id, issued_at DESC, id DESC);
CREATE TABLE refunds (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    stripe_refund_id text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    status text NOT NULL,
    reason text NOT NULL DEFAULT '',
    failure_reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT refunds_stripe_refund_id_key UNIQUE (tenant_id, stripe_refund_id),
    CONSTRAINT refunds_amount_check CHECK (amount_minor > 0),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id)
);
CREATE INDEX refunds_invoice_id_idx ON refunds (tenant_id, invoice_id);
CREATE INDEX refunds_payment_id_idx ON refunds (tenant_id, payment_id);
CREATE TABLE disputes (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    stripe_dispute_id text NOT NULL,
    amount_minor bigint NOT NULL,
    withdrawn_minor bigint NOT NULL DEFAULT 0,
    currency text NOT NULL,
    reason text NOT NULL,
    status text NOT NULL,
    evidence_due_at timestamptz,
    has_evidence boolean NOT NULL DEFAULT false,
    consequence text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT disputes_stripe_dispute_id_key UNIQUE (tenant_id, stripe_dispute_id),
    CONSTRAINT disputes_amount_check CHECK (amount_minor > 0),
    CONSTRAINT disputes_consequence_check CHECK (consequence IN ('', 'stopped', 'restored', 'ended')),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id)
);
CREATE INDEX disputes_invoice_id_idx ON disputes (tenant_id, invoice_id);
CREATE INDEX disputes_due_idx ON disputes (tenant_id, evidence_due_at) WHERE closed_at IS NULL;
"""

ADJUSTMENTS = """
CREATE TABLE adjustments (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    invoice_id uuid,
    payment_id uuid,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    way text NOT NULL DEFAULT '',
    reason_code text NOT NULL DEFAULT '',
    reason text NOT NULL,
    memo text NOT NULL DEFAULT '',
    quote jsonb NOT NULL DEFAULT '{}',
    requested_by uuid NOT NULL,
    decided_by uuid,
    decided_at timestamptz,
    stripe_id text,
    failure_code text NOT NULL DEFAULT '',
    machine text NOT NULL DEFAULT 'adjustment',
    state text NOT NULL,
    step_number bigint NOT NULL,
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT adjustments_machine_check CHECK (machine = 'adjustment'),
    CONSTRAINT adjustment_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT adjustments_kind_check CHECK (
        kind IN ('refund', 'credit_note', 'balance_credit', 'balance_debit', 'write_off', 'paid_out_of_band')),
    CONSTRAINT adjustments_way_check CHECK (way IN ('', 'refund', 'balance', 'out_of_band')),
    CONSTRAINT adjustments_invoice_check CHECK ((kind LIKE 'balance%') = (invoice_id IS NULL)),
    CONSTRAINT adjustments_payment_check CHECK ((kind = 'refund') = (payment_id IS NOT NULL)),
    CONSTRAINT adjustments_amount_check CHECK (amount_minor > 0),
    CONSTRAINT adjustments_reason_check CHECK (length(btrim(reason)) BETWEEN 3 AND 1000),
    CONSTRAINT adjustments_second_person_check CHECK (decided_by <> requested_by),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_id) REFERENCES payments (tenant_id, id)
);
CREATE INDEX adjustments_newest_idx ON adjustments (tenant_id, created_at DESC, id DESC);
CREATE INDEX adjustments_under_way_idx ON adjustments (tenant_id, invoice_id) WHERE state IN ('proposed', 'working');
CREATE UNIQUE INDEX adjustments_settling_idx ON adjustments (tenant_id, invoice_id)
    WHERE kind IN ('write_off', 'paid_out_of_band') AND state IN ('proposed', 'working');
CREATE UNIQUE INDEX adjustments_stripe_id_idx ON adjustments (tenant_id, stripe_id)
    WHERE kind IN ('refund', 'credit_note') AND stripe_id IS NOT NULL;
ALTER TABLE settings ADD COLUMN second_person_above numeric DEFAULT 500,
    ADD COLUMN dispute_opened_action text NOT NULL DEFAULT 'nothing',
    ADD COLUMN dispute_lost_action text NOT NULL DEFAULT 'nothing',
    ADD CONSTRAINT settings_second_person_check CHECK (second_person_above >= 0),
    ADD CONSTRAINT settings_dispute_opened_action_check CHECK (dispute_opened_action IN ('nothing', 'stop_renewal')),
    ADD CONSTRAINT settings_dispute_lost_action_check CHECK (dispute_lost_action IN ('nothing', 'end_now'));
"""


def upgrade() -> None:
    op.execute(LEGAL)
    op.execute(MIRRORS)
    op.execute(ADJUSTMENTS)
    protect("credit_notes", web="SELECT", worker="SELECT, INSERT, UPDATE")
    protect("refunds", web="SELECT", worker="SELECT, INSERT, UPDATE")
    protect("disputes", web="SELECT", worker="SELECT, INSERT, UPDATE")
    _protect_adjustments()
    run(
        "CREATE POLICY outbox_web_insert_adjustments ON outbox FOR INSERT TO {web}"
        " WITH CHECK (tenant_id = {tenant} AND is_keeper() AND kind IN ('adjustment.perform', 'staff.alert'))"
    )
    run("GRANT UPDATE (second_person_above, dispute_opened_action, dispute_lost_action)"
        " ON settings TO {web}, {worker}")  # fmt: skip


def _protect_adjustments() -> None:
    """They hold what staff say among themselves: a page sees and writes them for staff who may, bound to a tenant."""
    op.execute("ALTER TABLE adjustments ENABLE ROW LEVEL SECURITY; ALTER TABLE adjustments FORCE ROW LEVEL SECURITY")
    web, worker = "tenant_id = {tenant} AND is_keeper()", "tenant_id = {tenant}"
    run(f"CREATE POLICY adjustments_web_select ON adjustments FOR SELECT TO {{web}} USING ({web})")
    run(f"CREATE POLICY adjustments_web_insert ON adjustments FOR INSERT TO {{web}} WITH CHECK ({web})")
    run(f"CREATE POLICY adjustments_web_update ON adjustments FOR UPDATE TO {{web}} USING ({web}) WITH CHECK ({web})")
    run(f"CREATE POLICY adjustments_worker_select ON adjustments FOR SELECT TO {{worker}} USING ({worker})")
    run(f"CREATE POLICY adjustments_worker_update ON adjustments FOR UPDATE TO {{worker}}"
        f" USING ({worker}) WITH CHECK ({worker})")  # fmt: skip
    run("GRANT SELECT, INSERT ON adjustments TO {web}; GRANT SELECT ON adjustments TO {worker};"
        " GRANT UPDATE (state, step_number, decided_by, decided_at, stripe_id, failure_code, finished_at)"
        " ON adjustments TO {web}, {worker}")  # fmt: skip
    read_only("adjustments")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
