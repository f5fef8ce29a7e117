"""Changes of plan, quoted and then confirmed; what Stripe still holds back of a subscription's plan."""

from alembic import op
from policies import protect, run

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

PLAN_CHANGES = """
INSERT INTO legal_steps (machine, from_state, to_state) VALUES
    ('plan_change', '', 'quoted'),
    ('plan_change', 'quoted', 'confirmed'), ('plan_change', 'quoted', 'expired'),
    ('plan_change', 'confirmed', 'applied'), ('plan_change', 'confirmed', 'awaiting_payment'),
    ('plan_change', 'confirmed', 'scheduled'), ('plan_change', 'confirmed', 'failed'),
    ('plan_change', 'awaiting_payment', 'applied'), ('plan_change', 'awaiting_payment', 'canceled'),
    ('plan_change', 'awaiting_payment', 'expired'),
    ('plan_change', 'scheduled', 'applied'), ('plan_change', 'scheduled', 'canceled');
CREATE TABLE plan_changes (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    stripe_item_id text NOT NULL,
    from_plan_id text NOT NULL REFERENCES plans (plan_id),
    from_plan_price_id uuid NOT NULL REFERENCES plan_prices (id),
    from_quantity bigint NOT NULL,
    plan_id text NOT NULL REFERENCES plans (plan_id),
    plan_price_id uuid NOT NULL REFERENCES plan_prices (id),
    quantity bigint NOT NULL,
    direction text NOT NULL,
    timing text NOT NULL,
    effective_at timestamptz NOT NULL,
    proration_at timestamptz,
    currency text NOT NULL,
    credit_minor bigint NOT NULL DEFAULT 0,
    due_minor bigint NOT NULL DEFAULT 0,
    next_minor bigint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL,
    quote jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    started_by uuid,
    confirmed_by uuid,
    confirmed_at timestamptz,
    machine text NOT NULL DEFAULT 'plan_change',
    state text NOT NULL,
    step_number bigint NOT NULL,
    stripe_invoice_id text,
    stripe_schedule_id text,
    pay_until timestamptz,
    cancel_requested_at timestamptz,
    replaced_by uuid,
    error_code text,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT plan_changes_machine_check CHECK (machine = 'plan_change'),
    CONSTRAINT plan_change_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT plan_changes_direction_check CHECK (direction IN ('upgrade', 'downgrade', 'interval')),
    CONSTRAINT plan_changes_timing_check CHECK (timing IN ('now', 'trial', 'period_end')),
    CONSTRAINT plan_changes_quantity_check CHECK (quantity >= 1),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
-- One change on its way per tenant, whatever is confirmed twice or in two tabs.
CREATE UNIQUE INDEX plan_changes_under_way_idx ON plan_changes (tenant_id)
    WHERE state IN ('confirmed', 'awaiting_payment', 'scheduled');
CREATE INDEX plan_changes_newest_idx ON plan_changes (tenant_id, id DESC);
"""

SUBSCRIPTIONS = """
ALTER TABLE subscriptions
    ADD COLUMN pending_until timestamptz,
    ADD COLUMN stripe_schedule_id text,
    ADD COLUMN scheduled_plan_price_id uuid REFERENCES plan_prices (id),
    ADD COLUMN scheduled_quantity bigint,
    ADD COLUMN scheduled_at timestamptz;
"""


def upgrade() -> None:
    op.execute(PLAN_CHANGES)
    op.execute(SUBSCRIPTIONS)
    protect("plan_changes", web="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE")
    run("""CREATE POLICY outbox_web_insert_plan_changes ON outbox FOR INSERT TO {web} WITH CHECK (
             tenant_id = {tenant} AND kind IN ('plan_change.perform', 'plan_change.cancel', 'plan_change.release'))""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
