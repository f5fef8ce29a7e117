"""What is sent to Stripe for a charge is kept: asked again under the same key, it has to be the same."""

from alembic import op
from policies import run

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE usage_charges ADD COLUMN item_params jsonb, ADD COLUMN invoice_params jsonb")
    run("GRANT UPDATE (item_params, invoice_params) ON usage_charges TO {worker}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
