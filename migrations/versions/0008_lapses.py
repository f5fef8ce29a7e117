"""How often in a row a lease ended without a word: work that kills whoever takes it must not be taken for ever."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("outbox", "stripe_objects"):
        op.execute(f"ALTER TABLE {table} ADD COLUMN lapses bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
