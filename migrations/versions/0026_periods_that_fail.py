"""A period that cannot be closed waits by itself, and no amount is too large to be written down."""

from alembic import op
from policies import run

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
        ALTER TABLE usage_periods
            ADD COLUMN failures bigint NOT NULL DEFAULT 0,
            ADD COLUMN retry_at timestamptz
    """)
    # The sum of a period's reports has 21 digits before the point, a package nine behind it, and a price more of both.
    op.execute("""
        ALTER TABLE usage_charges
            ALTER COLUMN quantity TYPE numeric(60, 9),
            ALTER COLUMN beyond TYPE numeric(60, 9),
            ALTER COLUMN units TYPE numeric(60, 9),
            ALTER COLUMN before_minor TYPE numeric(60, 0),
            ALTER COLUMN amount_minor TYPE numeric(60, 0),
            ADD COLUMN parked_at timestamptz
    """)
    run("GRANT UPDATE (parked_at) ON usage_charges TO {worker}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
