"""Events of old months go by a setting; what they add up to, and their ids, stay for ever."""

from alembic import op
from policies import run

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

RETIRED = """
CREATE TABLE usage_retired_months (
    month date PRIMARY KEY,
    is_dropped boolean NOT NULL,
    retired_at timestamptz NOT NULL DEFAULT now()
);
"""
# The worker asks for it; the last three months stay, whatever it asks. Waiting for the lock would hold up everybody who
# reports usage: it is tried again at the next turn.
RETIRE = """
CREATE FUNCTION retire_usage_partition(month date, drops boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '2s' AS $$
DECLARE
    first date := date_trunc('month', month);
    name text := format('usage_events_p%s_%s', to_char(first, 'YYYY'), to_char(first, 'MM'));
BEGIN
    IF first + interval '4 months' > now() THEN
        RAISE EXCEPTION 'the last three months are kept' USING ERRCODE = 'check_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass(name)
            AND inhparent = 'usage_events'::regclass) THEN
        RETURN false;
    END IF;
    INSERT INTO usage_retired_months (month, is_dropped) VALUES (first, drops) ON CONFLICT DO NOTHING;
    EXECUTE format('ALTER TABLE usage_events DETACH PARTITION %I', name);
    IF drops THEN
        EXECUTE format('DROP TABLE %I', name);
    END IF;
    RETURN true;
END $$;
"""


def upgrade() -> None:
    op.execute(RETIRED)
    op.execute(RETIRE)
    run("GRANT SELECT ON usage_retired_months TO {web}, {worker}, {staff}, {reader}, {backup}")
    run("REVOKE ALL ON FUNCTION retire_usage_partition FROM PUBLIC;"
        " GRANT EXECUTE ON FUNCTION retire_usage_partition TO {worker}")  # fmt: skip


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
