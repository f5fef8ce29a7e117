"""Cancellations; what a trial ends in, frozen at its checkout; the next invoice as Stripe foretells it."""

from alembic import op
from policies import protect, run

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

CANCELLATIONS = """
INSERT INTO legal_steps (machine, from_state, to_state) VALUES
    ('cancellation', '', 'requested'), ('cancellation', '', 'scheduled'),
    ('cancellation', 'requested', 'scheduled'), ('cancellation', 'requested', 'ended'),
    ('cancellation', 'requested', 'failed'),
    ('cancellation', 'scheduled', 'undone'), ('cancellation', 'scheduled', 'ended');
CREATE TABLE cancellations (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    subscription_id uuid NOT NULL,
    stripe_subscription_id text NOT NULL,
    requested_by uuid,
    ending text NOT NULL DEFAULT 'period_end',
    ends_at timestamptz,
    reason text NOT NULL DEFAULT '',
    comment text NOT NULL DEFAULT '',
    refund_minor bigint NOT NULL DEFAULT 0,
    currency text NOT NULL,
    refunds jsonb NOT NULL DEFAULT '[]',
    stripe_credit_notes jsonb NOT NULL DEFAULT '[]',
    undone_by text NOT NULL DEFAULT '',
    error_code text,
    settled_at timestamptz,
    machine text NOT NULL DEFAULT 'cancellation',
    state text NOT NULL,
    step_number bigint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id),
    CONSTRAINT cancellations_machine_check CHECK (machine = 'cancellation'),
    CONSTRAINT cancellations_ending_check CHECK (ending IN ('period_end', 'now')),
    CONSTRAINT cancellations_undone_by_check CHECK (undone_by IN ('', 'cancel_at', 'cancel_at_period_end')),
    CONSTRAINT cancellations_refund_check CHECK (refund_minor >= 0 AND (refund_minor = 0 OR ending = 'now')),
    CONSTRAINT cancellation_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED
);
CREATE UNIQUE INDEX cancellations_open_idx ON cancellations (tenant_id, subscription_id)
    WHERE state IN ('requested', 'scheduled');
"""

# The terms of a trial are frozen with its checkout: staff may change the plan's before the call is repeated.
TRIALS = """
ALTER TABLE checkouts
    ADD COLUMN trial_method text NOT NULL DEFAULT '',
    ADD COLUMN trial_end text NOT NULL DEFAULT '',
    ADD CONSTRAINT checkouts_trial_method_check CHECK (trial_method IN ('', 'required', 'optional')),
    ADD CONSTRAINT checkouts_trial_end_check CHECK (trial_end IN ('', 'cancel', 'pause', 'create_invoice'));
ALTER TABLE subscriptions
    ADD COLUMN trial_end_behavior text NOT NULL DEFAULT '',
    ADD COLUMN next_invoice jsonb,
    ADD COLUMN next_invoice_for text NOT NULL DEFAULT '';
"""

# What was given back caps what may still go back; what is there is read again before any money is.
GIVEN_BACK = """
ALTER TABLE invoices ADD COLUMN credited_minor bigint NOT NULL DEFAULT 0;
ALTER TABLE payments ADD COLUMN refunded_minor bigint NOT NULL DEFAULT 0;
"""


def upgrade() -> None:
    op.execute(CANCELLATIONS)
    op.execute(TRIALS)
    op.execute(GIVEN_BACK)
    protect("cancellations", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
    # Beside the policy that is there: what pages owe is any of them.
    run("""CREATE POLICY outbox_web_insert_cancellations ON outbox FOR INSERT TO {web} WITH CHECK (
             tenant_id = {tenant} AND kind IN ('subscription.cancel', 'subscription.keep', 'subscription.resume',
               'subscription.preview', 'customer.describe'))""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
