"""Sums by hour go after a while: each period says from when on it still has them."""

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

# What the worker looks for are periods that have not lost all of theirs yet; those become ever fewer of all there are.
HOURS = """
ALTER TABLE usage_periods ADD COLUMN hours_since timestamptz;
CREATE INDEX usage_periods_hours_idx ON usage_periods (starts_at, tenant_id) WHERE hours_since IS DISTINCT FROM ends_at;
"""


def upgrade() -> None:
    op.execute(HOURS)


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
