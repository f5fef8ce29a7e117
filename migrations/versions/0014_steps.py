"""State machines as appended steps; the policies of plans; the clock that a tenant lives on."""

from alembic import op
from policies import protect, run

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

STEPS = """
CREATE TABLE legal_steps (
    machine text NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    PRIMARY KEY (machine, from_state, to_state)
);
INSERT INTO legal_steps (machine, from_state, to_state) VALUES
    ('checkout', '', 'preparing'),
    ('checkout', 'preparing', 'open'), ('checkout', 'preparing', 'complete'), ('checkout', 'preparing', 'expired'),
    ('checkout', 'preparing', 'failed'), ('checkout', 'preparing', 'abandoned'),
    ('checkout', 'open', 'complete'), ('checkout', 'open', 'expired'), ('checkout', 'open', 'abandoned'),
    ('checkout', 'abandoned', 'complete'), ('checkout', 'abandoned', 'expired'),
    ('checkout', 'expired', 'complete'), ('checkout', 'failed', 'complete');
CREATE TABLE steps (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    machine text NOT NULL,
    object_id uuid NOT NULL,
    number bigint NOT NULL,
    previous bigint,
    from_state text NOT NULL,
    to_state text NOT NULL,
    reason text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, machine, object_id, number),
    CONSTRAINT steps_to_state_key UNIQUE (tenant_id, machine, object_id, number, to_state),
    CONSTRAINT steps_previous_fkey FOREIGN KEY (tenant_id, machine, object_id, previous, from_state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state),
    CONSTRAINT steps_legal_fkey FOREIGN KEY (machine, from_state, to_state)
        REFERENCES legal_steps (machine, from_state, to_state),
    CONSTRAINT steps_number_check CHECK (
        CASE WHEN number = 1 THEN previous IS NULL AND from_state = '' ELSE number > 1 AND previous = number - 1 END)
);
"""

# What there is already went through these steps, whatever their times were.
CHECKOUTS = """
INSERT INTO steps (tenant_id, machine, object_id, number, previous, from_state, to_state, created_at)
    SELECT tenant_id, 'checkout', id, 1, NULL, '', 'preparing', created_at FROM checkouts;
INSERT INTO steps (tenant_id, machine, object_id, number, previous, from_state, to_state, created_at)
    SELECT tenant_id, 'checkout', id, 2, 1, 'preparing', state, coalesce(closed_at, created_at) FROM checkouts
    WHERE state <> 'preparing';
ALTER TABLE checkouts
    ADD COLUMN machine text NOT NULL DEFAULT 'checkout',
    ADD CONSTRAINT checkouts_machine_check CHECK (machine = 'checkout'),
    ADD COLUMN step_number bigint,
    ALTER COLUMN state DROP DEFAULT,
    DROP CONSTRAINT checkouts_state_check;
UPDATE checkouts SET step_number = CASE WHEN state = 'preparing' THEN 1 ELSE 2 END;
ALTER TABLE checkouts
    ALTER COLUMN step_number SET NOT NULL,
    ADD CONSTRAINT checkout_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED;
"""

PLANS = """
ALTER TABLE plans
    ADD COLUMN trial_method text NOT NULL DEFAULT 'optional',
    ADD COLUMN trial_end text NOT NULL DEFAULT 'cancel',
    ADD COLUMN upgrade_at text NOT NULL DEFAULT 'now',
    ADD COLUMN downgrade_at text NOT NULL DEFAULT 'period_end',
    ADD COLUMN interval_change_at text NOT NULL DEFAULT 'period_end',
    ADD COLUMN cancel_at text NOT NULL DEFAULT 'period_end',
    ADD COLUMN cancel_refund text NOT NULL DEFAULT 'none',
    ADD COLUMN processing_access text NOT NULL DEFAULT 'wait',
    ADD COLUMN max_quantity bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT plans_trial_method_check CHECK (trial_method IN ('required', 'optional')),
    ADD CONSTRAINT plans_trial_end_check CHECK (trial_end IN ('cancel', 'pause', 'create_invoice')),
    ADD CONSTRAINT plans_upgrade_at_check CHECK (upgrade_at IN ('now', 'period_end')),
    ADD CONSTRAINT plans_downgrade_at_check CHECK (downgrade_at IN ('now', 'period_end')),
    ADD CONSTRAINT plans_interval_change_at_check CHECK (interval_change_at IN ('now', 'period_end')),
    ADD CONSTRAINT plans_cancel_at_check CHECK (cancel_at IN ('period_end', 'choice')),
    ADD CONSTRAINT plans_cancel_refund_check CHECK (cancel_refund IN ('none', 'prorated')),
    ADD CONSTRAINT plans_processing_access_check CHECK (processing_access IN ('wait', 'grant')),
    ADD CONSTRAINT plans_max_quantity_check CHECK (max_quantity BETWEEN 1 AND 1000000);
ALTER TABLE customers
    ADD COLUMN stripe_test_clock_id text,
    ADD COLUMN test_clock_at timestamptz,
    ADD COLUMN trial_used_at timestamptz;
"""


def upgrade() -> None:
    op.execute(STEPS)
    op.execute(CHECKOUTS)
    op.execute(PLANS)
    run("GRANT SELECT ON legal_steps TO {web}, {worker}, {staff}, {reader}, {backup}")
    # Appended only: nobody holds UPDATE or DELETE.
    protect("steps", web="SELECT, INSERT", worker="SELECT, INSERT")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
