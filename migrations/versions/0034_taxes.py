"""Billing details in full, taxes by country and tax id, and who is exempt."""

from alembic import op
from policies import protect, run

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

DETAILS = """
ALTER TABLE billing_details
    ADD COLUMN tax_id_kind text NOT NULL DEFAULT '',
    ADD COLUMN purchase_order text NOT NULL DEFAULT '',
    ADD COLUMN copies jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN electronic_address text NOT NULL DEFAULT '',
    ADD COLUMN version bigint NOT NULL DEFAULT 1,
    ADD CONSTRAINT billing_details_copies_check
        CHECK (jsonb_typeof(copies) = 'array' AND jsonb_array_length(copies) <= 5);
"""

RATES = """
CREATE TABLE tax_rates (
    id uuid PRIMARY KEY,
    country text NOT NULL,
    customers text NOT NULL DEFAULT 'all',
    name text NOT NULL,
    percentage numeric(7,4) NOT NULL,
    inclusive boolean NOT NULL DEFAULT false,
    stripe_tax_rate_id text NOT NULL,
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT tax_rates_customers_check CHECK (customers IN ('all', 'with_tax_id', 'without_tax_id')),
    CONSTRAINT tax_rates_country_check CHECK (country ~ '^[A-Z]{2}$'),
    CONSTRAINT tax_rates_percentage_check CHECK (percentage BETWEEN 0 AND 100),
    CONSTRAINT tax_rates_name_check CHECK (length(btrim(name)) BETWEEN 1 AND 50)
);
CREATE UNIQUE INDEX tax_rates_current_idx ON tax_rates (country, customers) WHERE retired_at IS NULL;
ALTER TABLE tax_rates ENABLE ROW LEVEL SECURITY;
ALTER TABLE installation ADD COLUMN tax jsonb NOT NULL DEFAULT '{}';
CREATE TABLE tax_exemptions (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    reason text NOT NULL,
    granted_by uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    ended_by uuid,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT tax_exemptions_reason_check CHECK (length(btrim(reason)) BETWEEN 3 AND 500)
);
CREATE UNIQUE INDEX tax_exemptions_current_idx ON tax_exemptions (tenant_id) WHERE ended_at IS NULL;
"""

# What Stripe has, to be compared with what is decided here; what a checkout was begun with.
MIRRORS = """
ALTER TABLE customers ADD COLUMN tax_exempt text NOT NULL DEFAULT 'none';
ALTER TABLE subscriptions
    ADD COLUMN tax_rates jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN automatic_tax boolean NOT NULL DEFAULT false;
ALTER TABLE checkouts
    ADD COLUMN tax_rate_id uuid REFERENCES tax_rates (id),
    ADD COLUMN automatic_tax boolean NOT NULL DEFAULT false;
"""


def upgrade() -> None:
    op.execute(DETAILS)
    op.execute(RATES)
    op.execute(MIRRORS)
    everybody = "{web}, {worker}, {staff}, {reader}, {backup}"
    run(f"CREATE POLICY tax_rates_read ON tax_rates FOR SELECT TO {everybody} USING (true);"
        f" GRANT SELECT ON tax_rates TO {everybody}")  # fmt: skip
    run("CREATE POLICY tax_rates_web_insert ON tax_rates FOR INSERT TO {web} WITH CHECK (is_keeper())")
    run("CREATE POLICY tax_rates_web_update ON tax_rates FOR UPDATE TO {web}"
        " USING (is_keeper()) WITH CHECK (is_keeper())")  # fmt: skip
    run("GRANT INSERT, UPDATE (retired_at) ON tax_rates TO {web}; GRANT UPDATE (tax) ON installation TO {web}")
    run("CREATE POLICY outbox_web_insert_taxes ON outbox FOR INSERT TO {web}"
        " WITH CHECK (tenant_id IS NULL AND kind = 'tax.spread' AND is_keeper())")  # fmt: skip
    _protect_exemptions()


def _protect_exemptions() -> None:
    """A tenant sees its own; only staff who may grant and end one, bound to the tenant."""
    protect("tax_exemptions", web="SELECT", worker="SELECT")
    keeper = "tenant_id = {tenant} AND is_keeper()"
    run(f"CREATE POLICY tax_exemptions_web_insert ON tax_exemptions FOR INSERT TO {{web}} WITH CHECK ({keeper})")
    run(f"CREATE POLICY tax_exemptions_web_update ON tax_exemptions FOR UPDATE TO {{web}}"
        f" USING ({keeper}) WITH CHECK ({keeper})")  # fmt: skip
    run("GRANT INSERT, UPDATE (ended_at, ended_by) ON tax_exemptions TO {web}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
