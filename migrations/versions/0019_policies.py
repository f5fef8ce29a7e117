"""Staff set the policies of plans and of unpaid invoices on their pages."""

from alembic import op
from policies import run

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

READERS = "{web}, {worker}, {staff}, {reader}"
PLAN_POLICY = (
    "trial_days, trial_method, trial_end, upgrade_at, downgrade_at, interval_change_at,"
    " cancel_at, cancel_refund, processing_access"
)


def upgrade() -> None:
    # Not forced: the contract's INSERT of plans is the owner's.
    for table in ("plans", "settings"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        run(f"CREATE POLICY {table}_read ON {table} FOR SELECT TO {READERS} USING (true)")
        run(f"CREATE POLICY {table}_worker ON {table} FOR UPDATE TO {{worker}} USING (true) WITH CHECK (true)")
        run(f"CREATE POLICY {table}_web ON {table} FOR UPDATE TO {{web}} USING (is_keeper()) WITH CHECK (is_keeper())")
    run(f"GRANT UPDATE ({PLAN_POLICY}) ON plans TO {{web}}")
    run("GRANT UPDATE (restricted_after_days, suspended_after_days, tries_by_hand_per_hour, changed_at)"
        " ON settings TO {web}")  # fmt: skip


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
