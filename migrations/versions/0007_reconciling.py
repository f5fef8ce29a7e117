"""Looking for what no delivery told: places in Stripe's lists, and what the nightly sweep asked for."""

from alembic import op
from policies import run

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE stripe_cursors (
    name text PRIMARY KEY,
    stage text,
    after text,
    newest_at timestamptz,
    reached_at timestamptz,
    started_at timestamptz,
    completed_at timestamptz
);
ALTER TABLE stripe_objects ADD COLUMN swept bigint;
"""
# A new task is due at once, and then a day later each time: the first night decides on the hour.
FIRST_SWEEP = """
INSERT INTO periodic_tasks (name, every_seconds, next_at)
VALUES ('sweep_live_objects', 86400, date_trunc('day', now(), 'UTC') + interval '27 hours')
"""


def upgrade() -> None:
    op.execute(TABLES)
    run("GRANT SELECT, INSERT, UPDATE ON stripe_cursors TO {worker}")
    run("GRANT SELECT ON stripe_cursors TO {staff}, {reader}, {backup}")
    op.execute(FIRST_SWEEP)


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
