"""A month whose events had no place of their own yet gets one, and they go there."""

from alembic import op
from policies import role

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

# PostgreSQL refuses a partition whose rows are in the default one. Nobody records meanwhile what would go there: the
# lock on the default partition is taken first. Its row-level security binds its owner, too, until it is made so again.
PARTITIONS = """
CREATE OR REPLACE FUNCTION make_usage_partition(month date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month);
    name text := format('usage_events_p%s_%s', to_char(first, 'YYYY'), to_char(first, 'MM'));
    begins timestamptz := first::timestamp AT TIME ZONE 'UTC';
    ends timestamptz := (first + interval '1 month')::timestamp AT TIME ZONE 'UTC';
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    ALTER TABLE usage_events_p0 NO FORCE ROW LEVEL SECURITY;
    EXECUTE format('CREATE TABLE %I (LIKE usage_events INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('WITH moved AS ('
        'DELETE FROM usage_events_p0 WHERE recorded_at >= %L AND recorded_at < %L RETURNING *)'
        ' INSERT INTO %I SELECT * FROM moved', begins, ends, name);
    EXECUTE format('ALTER TABLE usage_events ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', name, begins, ends);
    ALTER TABLE usage_events_p0 FORCE ROW LEVEL SECURITY;
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY; ALTER TABLE %I FORCE ROW LEVEL SECURITY;'
        'GRANT SELECT ON %I TO BACKUP', name, name, name);
    RETURN true;
END $$;
"""


def upgrade() -> None:
    op.execute(PARTITIONS.replace("BACKUP", role("backup")))


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
