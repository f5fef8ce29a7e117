"""Usage is billed: by whose terms a period is, what it cost, and what a plan says of trials and changes."""

from alembic import op
from policies import protect, run

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

PERIODS = """
ALTER TABLE usage_periods
    ADD COLUMN plan_id text REFERENCES plans (plan_id),
    ADD COLUMN currency text,
    ADD COLUMN is_trial boolean NOT NULL DEFAULT false,
    ADD COLUMN whole_seconds bigint,
    ADD CONSTRAINT usage_periods_whole_seconds_check CHECK (whole_seconds > 0),
    ADD CONSTRAINT usage_periods_terms_check CHECK (num_nonnulls(subscription_id, plan_id, currency) IN (0, 3));
CREATE INDEX usage_periods_open_idx ON usage_periods (ends_at, tenant_id) WHERE closed_at IS NULL;
"""
CHARGES = """
CREATE TABLE usage_charges (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    period_id uuid NOT NULL,
    resource_type text NOT NULL REFERENCES resources (resource_type),
    number bigint NOT NULL,
    subscription_id uuid NOT NULL,
    plan_id text NOT NULL REFERENCES plans (plan_id),
    currency text NOT NULL,
    quantity numeric(30, 9) NOT NULL,
    included numeric(24, 9),
    beyond numeric(30, 9) NOT NULL,
    units numeric(30, 9) NOT NULL,
    parts jsonb NOT NULL,
    before_minor bigint NOT NULL,
    amount_minor bigint NOT NULL,
    is_waived boolean NOT NULL DEFAULT false,
    tries bigint NOT NULL DEFAULT 0,
    tried_at timestamptz,
    stripe_invoice_id text,
    stripe_invoice_item_id text,
    billed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT usage_charges_number_key UNIQUE (tenant_id, period_id, resource_type, number),
    CONSTRAINT usage_charges_number_check CHECK (number > 0),
    FOREIGN KEY (tenant_id, period_id) REFERENCES usage_periods (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE UNIQUE INDEX usage_charges_item_idx ON usage_charges (tenant_id, stripe_invoice_item_id);
"""
POLICIES = """
ALTER TABLE plans
    ADD COLUMN usage_in_trial text NOT NULL DEFAULT 'free',
    ADD COLUMN usage_on_change text NOT NULL DEFAULT 'carry_on',
    ADD CONSTRAINT plans_usage_in_trial_check CHECK (usage_in_trial IN ('free', 'billed')),
    ADD CONSTRAINT plans_usage_on_change_check CHECK (usage_on_change IN ('carry_on', 'split'));
"""


def upgrade() -> None:
    op.execute(PERIODS)
    op.execute(CHARGES)
    op.execute(POLICIES)
    run("GRANT UPDATE (usage_in_trial, usage_on_change) ON plans TO {web}")
    protect("usage_charges", web="SELECT", worker="SELECT, INSERT")
    # What a charge says of a quantity and an amount is said once.
    run("""GRANT UPDATE (tries, tried_at, stripe_invoice_id, stripe_invoice_item_id, billed_at)
             ON usage_charges TO {worker};
           CREATE POLICY usage_charges_worker_update ON usage_charges FOR UPDATE TO {worker}
             USING (tenant_id = {tenant}) WITH CHECK (tenant_id = {tenant})""")
    # A period's end that becomes known later moves events to where they belong, and their sums are made anew.
    run("""GRANT DELETE ON usage_periods, usage_rollups, usage_uniques TO {worker};
           GRANT UPDATE (period_id) ON usage_events TO {worker};
           CREATE POLICY usage_events_worker_update ON usage_events FOR UPDATE TO {worker}
             USING (tenant_id = {tenant}) WITH CHECK (tenant_id = {tenant})""")
    for table in ("usage_periods", "usage_rollups", "usage_uniques"):
        run(f"CREATE POLICY {table}_worker_delete ON {table} FOR DELETE TO {{worker}} USING (tenant_id = {{tenant}})")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
