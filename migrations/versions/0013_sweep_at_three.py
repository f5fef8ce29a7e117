"""The nightly sweep back to its hour: each turn of periodic work began a little later than the one before."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # To the last 03:00 before it, so that no sweep comes later than it would have.
    op.execute("""
        UPDATE periodic_tasks
        SET next_at = date_trunc('day', next_at - interval '3 hours', 'UTC') + interval '3 hours'
        WHERE name = 'sweep_live_objects'""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
