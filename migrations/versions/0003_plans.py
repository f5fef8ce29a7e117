"""Plans and their prices: the installation's catalogue, the same for every tenant."""

from alembic import op
from policies import run

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# The contract's INSERT names plan_id, name, price_monthly, features and limits only, so that all else
# has a default. price_yearly NULL means ten months' price; currency NULL means the installation's.
TABLES = """
CREATE TABLE plans (
    plan_id text PRIMARY KEY,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    price_monthly numeric(15, 3) NOT NULL,
    price_yearly numeric(15, 3),
    currency text,
    features jsonb NOT NULL DEFAULT '[]',
    limits jsonb NOT NULL DEFAULT '{}',
    trial_days bigint NOT NULL DEFAULT 14,
    position bigint NOT NULL DEFAULT 0,
    stripe_product_id text,
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT plans_plan_id_check CHECK (plan_id ~ '^[a-z0-9][a-z0-9_-]{0,62}$'),
    CONSTRAINT plans_price_check CHECK (price_monthly >= 0 AND price_yearly >= 0),
    CONSTRAINT plans_trial_days_check CHECK (trial_days BETWEEN 0 AND 730),
    CONSTRAINT plans_features_check CHECK (jsonb_typeof(features) = 'array'),
    CONSTRAINT plans_limits_check CHECK (jsonb_typeof(limits) = 'object')
);
CREATE TABLE plan_prices (
    id uuid PRIMARY KEY,
    plan_id text NOT NULL REFERENCES plans (plan_id),
    interval text NOT NULL,
    currency text NOT NULL,
    unit_amount_minor bigint NOT NULL,
    stripe_price_id text,
    retired_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT plan_prices_interval_check CHECK (interval IN ('month', 'year')),
    CONSTRAINT plan_prices_unit_amount_minor_check CHECK (unit_amount_minor >= 0),
    CONSTRAINT plan_prices_stripe_price_id_key UNIQUE (stripe_price_id)
);
CREATE UNIQUE INDEX plan_prices_current_idx ON plan_prices (plan_id, interval, currency) WHERE retired_at IS NULL;
"""


def upgrade() -> None:
    op.execute(TABLES)
    run("GRANT SELECT ON plans, plan_prices TO {web}, {worker}, {staff}, {reader}, {backup}")
    run("GRANT UPDATE (stripe_product_id) ON plans TO {worker}")
    run("GRANT INSERT, UPDATE (stripe_price_id, retired_at) ON plan_prices TO {worker}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
