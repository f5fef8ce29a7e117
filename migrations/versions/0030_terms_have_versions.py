"""What a plan's terms were, from when on: a period is billed by those that it began with."""

from alembic import op
from policies import run

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

VERSIONS = """
CREATE TABLE plan_resource_versions (
    plan_id text NOT NULL REFERENCES plans (plan_id),
    resource_type text NOT NULL REFERENCES resources (resource_type),
    valid_from timestamptz NOT NULL,
    is_granted boolean NOT NULL,
    included numeric(24, 9),
    limit_kind text NOT NULL,
    tiers_mode text NOT NULL,
    tiers jsonb NOT NULL,
    package_size numeric(24, 9) NOT NULL,
    PRIMARY KEY (plan_id, resource_type, valid_from)
);
INSERT INTO plan_resource_versions
SELECT plan_id, resource_type, r.created_at, true, coalesce(included, (limits->>resource_type)::numeric), limit_kind,
    tiers_mode, tiers, package_size
FROM plan_resources r JOIN plans USING (plan_id);
"""
# Triggers, because terms are also written by seeds and by hand: a version that somebody forgot would be another price.
# What the plan's limits say is included where the terms say nothing, so that these make a version, too.
KEPT = """
CREATE FUNCTION keep_terms() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    terms plan_resources := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    INSERT INTO plan_resource_versions
    SELECT plan_id, terms.resource_type, clock_timestamp(), TG_OP <> 'DELETE',
        coalesce(terms.included, (limits->>terms.resource_type)::numeric), terms.limit_kind, terms.tiers_mode,
        terms.tiers, terms.package_size
    FROM plans WHERE plan_id = terms.plan_id;
    RETURN NULL;
END $$;
CREATE FUNCTION keep_terms_of_limits() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO plan_resource_versions
    SELECT plan_id, resource_type, clock_timestamp(), true, (NEW.limits->>resource_type)::numeric, limit_kind,
        tiers_mode, tiers, package_size
    FROM plan_resources WHERE plan_id = NEW.plan_id AND included IS NULL
        AND NEW.limits->resource_type IS DISTINCT FROM OLD.limits->resource_type;
    RETURN NULL;
END $$;
CREATE TRIGGER plan_resources_keep_terms AFTER INSERT OR UPDATE OR DELETE ON plan_resources
    FOR EACH ROW EXECUTE FUNCTION keep_terms();
CREATE TRIGGER plans_keep_terms AFTER UPDATE OF limits ON plans
    FOR EACH ROW EXECUTE FUNCTION keep_terms_of_limits();
"""


def upgrade() -> None:
    op.get_bind().exec_driver_sql(VERSIONS)
    op.get_bind().exec_driver_sql(KEPT)
    run("GRANT SELECT ON plan_resource_versions TO {web}, {worker}, {staff}, {reader}, {backup}")
    run("REVOKE ALL ON FUNCTION keep_terms, keep_terms_of_limits FROM PUBLIC")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
