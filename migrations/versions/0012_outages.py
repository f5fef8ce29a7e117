"""How often in a row the other side was away: pauses grow by it, so that an outage need not be counted as tries."""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("outbox", "stripe_objects"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN outages bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
