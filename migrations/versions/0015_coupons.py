"""Coupons, who redeemed them, and the discounts that run on subscriptions."""

from alembic import op
from policies import protect, run

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

COUPONS = """
CREATE TABLE coupons (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    name text NOT NULL,
    percent_off numeric(5, 2),
    amounts_off jsonb NOT NULL DEFAULT '{}',
    duration text NOT NULL,
    duration_in_months bigint,
    max_redemptions bigint,
    max_per_tenant bigint DEFAULT 1,
    first_time_only boolean NOT NULL DEFAULT false,
    plan_ids jsonb NOT NULL DEFAULT '[]',
    currencies jsonb NOT NULL DEFAULT '[]',
    minimum_amounts jsonb NOT NULL DEFAULT '{}',
    valid_from timestamptz,
    valid_until timestamptz,
    automatic boolean NOT NULL DEFAULT false,
    archived_at timestamptz,
    stripe_coupon_id text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT coupons_code_key UNIQUE (code),
    CONSTRAINT coupons_stripe_coupon_id_key UNIQUE (stripe_coupon_id),
    CONSTRAINT coupons_code_check CHECK (code ~ '^[A-Z0-9][A-Z0-9_-]{1,39}$'),
    CONSTRAINT coupons_name_check CHECK (length(name) BETWEEN 1 AND 40),
    CONSTRAINT coupons_percent_off_check CHECK (percent_off > 0 AND percent_off <= 100),
    CONSTRAINT coupons_amounts_off_check CHECK (jsonb_typeof(amounts_off) = 'object'),
    CONSTRAINT coupons_takes_off_check CHECK ((percent_off IS NULL) <> (amounts_off = '{}')),
    CONSTRAINT coupons_duration_check CHECK (duration IN ('once', 'repeating', 'forever')),
    CONSTRAINT coupons_duration_in_months_check CHECK (
        CASE WHEN duration = 'repeating' THEN duration_in_months BETWEEN 1 AND 120 AND duration_in_months IS NOT NULL
        ELSE duration_in_months IS NULL END),
    CONSTRAINT coupons_max_redemptions_check CHECK (max_redemptions >= 1),
    CONSTRAINT coupons_max_per_tenant_check CHECK (max_per_tenant >= 1),
    CONSTRAINT coupons_plan_ids_check CHECK (jsonb_typeof(plan_ids) = 'array'),
    CONSTRAINT coupons_currencies_check CHECK (jsonb_typeof(currencies) = 'array'),
    CONSTRAINT coupons_minimum_amounts_check CHECK (jsonb_typeof(minimum_amounts) = 'object'),
    CONSTRAINT coupons_window_check CHECK (valid_from < valid_until)
);
ALTER TABLE checkouts ADD COLUMN coupon_id uuid REFERENCES coupons (id);
ALTER TABLE subscriptions ADD COLUMN discounts jsonb NOT NULL DEFAULT '[]';
"""

REDEMPTIONS = """
INSERT INTO legal_steps (machine, from_state, to_state) VALUES
    ('redemption', '', 'reserved'), ('redemption', 'reserved', 'redeemed'), ('redemption', 'reserved', 'released'),
    ('redemption', 'released', 'redeemed');
CREATE TABLE coupon_redemptions (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    coupon_id uuid NOT NULL REFERENCES coupons (id),
    checkout_id uuid,
    subscription_id uuid,
    plan_id text NOT NULL REFERENCES plans (plan_id),
    currency text NOT NULL,
    amount_minor bigint NOT NULL,
    saving_minor bigint NOT NULL,
    is_automatic boolean NOT NULL DEFAULT false,
    actor_id uuid,
    machine text NOT NULL DEFAULT 'redemption',
    state text NOT NULL,
    step_number bigint NOT NULL,
    error_code text,
    redeemed_at timestamptz,
    removal_requested_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT coupon_redemptions_machine_check CHECK (machine = 'redemption'),
    CONSTRAINT coupon_redemptions_used_for_check CHECK ((checkout_id IS NULL) <> (subscription_id IS NULL)),
    CONSTRAINT coupon_redemptions_checkout_id_key UNIQUE (tenant_id, checkout_id),
    CONSTRAINT redemption_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED,
    FOREIGN KEY (tenant_id, checkout_id) REFERENCES checkouts (tenant_id, id),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE UNIQUE INDEX coupon_redemptions_reserved_idx ON coupon_redemptions (tenant_id, subscription_id)
    WHERE state = 'reserved';
CREATE INDEX coupon_redemptions_counted_idx ON coupon_redemptions (coupon_id) WHERE state IN ('reserved', 'redeemed');
"""

# The web role sees its own tenant's redemptions only, and yet the last one of a coupon may be taken once. It learns
# yes or no. With ``is_taking`` the coupon's row stays locked until the transaction ends: whoever wants the same coupon
# waits, and then counts this redemption too (each statement here sees what was committed when it began).
IS_LEFT = """
CREATE FUNCTION coupon_is_left(wanted uuid, is_taking boolean) RETURNS boolean
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS
$$
DECLARE
  most bigint;
BEGIN
  SELECT max_redemptions INTO most FROM coupons WHERE id = wanted;
  IF most IS NULL THEN
    RETURN FOUND;
  END IF;
  IF is_taking THEN
    PERFORM 1 FROM coupons WHERE id = wanted FOR NO KEY UPDATE;
  END IF;
  RETURN (SELECT count(*) FROM (SELECT 1 FROM coupon_redemptions
    WHERE coupon_id = wanted AND state IN ('reserved', 'redeemed') LIMIT most) AS taken) < most;
END $$
"""

# Coupons and policies are of no tenant: who may write them is asked of the bound person.
IS_KEEPER = """
CREATE FUNCTION is_keeper() RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT EXISTS (SELECT 1 FROM staff_members WHERE role IN ('admin', 'finance')
     AND user_id = NULLIF(current_setting('app.user_id', true), '')::uuid) $$
"""


def upgrade() -> None:
    op.execute(COUPONS)
    op.execute(REDEMPTIONS)
    op.execute(IS_LEFT)
    op.execute(IS_KEEPER)
    protect("coupon_redemptions", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
    _functions()
    # Not forced: the owner writes the demo's.
    run("ALTER TABLE coupons ENABLE ROW LEVEL SECURITY")
    run("""CREATE POLICY coupons_read ON coupons FOR SELECT
             TO {web}, {worker}, {staff}, {reader}, {lookup} USING (true);
           CREATE POLICY coupons_lock ON coupons FOR UPDATE TO {lookup} USING (true) WITH CHECK (false);
           CREATE POLICY coupons_publish ON coupons FOR UPDATE TO {worker} USING (true) WITH CHECK (true);
           CREATE POLICY coupons_web_insert ON coupons FOR INSERT TO {web} WITH CHECK (is_keeper());
           CREATE POLICY coupons_web_update ON coupons FOR UPDATE TO {web}
             USING (is_keeper()) WITH CHECK (is_keeper())""")
    run("""GRANT SELECT ON coupons TO {web}, {worker}, {staff}, {reader}, {backup}, {lookup};
           GRANT INSERT, UPDATE (archived_at) ON coupons TO {web};
           GRANT UPDATE (stripe_coupon_id) ON coupons TO {worker};
           GRANT UPDATE (archived_at) ON coupons TO {lookup};
           GRANT SELECT ON coupon_redemptions TO {lookup};
           CREATE POLICY coupon_redemptions_lookup ON coupon_redemptions FOR SELECT TO {lookup} USING (true)""")
    # Beside the policy of 0011: what a tenant's pages owe now too, and what staff's pages owe to nobody's tenant.
    run("""CREATE POLICY outbox_web_insert_coupons ON outbox FOR INSERT TO {web} WITH CHECK (
             (tenant_id = {tenant} AND kind IN ('coupon.apply', 'coupon.remove'))
             OR (tenant_id IS NULL AND kind = 'coupon.publish' AND is_keeper()))""")


def _functions() -> None:
    run("GRANT CREATE ON SCHEMA public TO {lookup}")
    for function, users in (("coupon_is_left(uuid, boolean)", "{web}, {worker}"), ("is_keeper()", "{web}")):
        run(f"ALTER FUNCTION {function} OWNER TO {{lookup}}; REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {function} TO {users}")
    run("REVOKE CREATE ON SCHEMA public FROM {lookup}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
