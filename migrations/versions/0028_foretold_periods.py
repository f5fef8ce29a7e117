"""A period that was begun before its renewal was heard of says so: by whose plan it is was a guess until then."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE usage_periods ADD COLUMN is_foretold boolean NOT NULL DEFAULT false")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
