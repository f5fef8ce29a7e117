"""Staff define what is metered, and each plan's terms for it, on their pages."""

from alembic import op
from policies import run

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

READERS = "{web}, {worker}, {staff}, {reader}"


def upgrade() -> None:
    # Not forced: the owner seeds them.
    for table in ("resources", "plan_resources"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        run(f"CREATE POLICY {table}_read ON {table} FOR SELECT TO {READERS} USING (true)")
        run(f"CREATE POLICY {table}_web_insert ON {table} FOR INSERT TO {{web}} WITH CHECK (is_keeper())")
        run(f"CREATE POLICY {table}_web_update ON {table} FOR UPDATE TO {{web}}"
            " USING (is_keeper()) WITH CHECK (is_keeper())")  # fmt: skip
    run("CREATE POLICY plan_resources_web_delete ON plan_resources FOR DELETE TO {web} USING (is_keeper())")
    # Neither what it is called in reports nor how its quantity is made of them: sums that are there say both.
    run("GRANT INSERT, UPDATE (names, unit, decimals, position, archived_at) ON resources TO {web}")
    run("GRANT INSERT, DELETE, UPDATE (included, limit_kind, tiers_mode, tiers, package_size)"
        " ON plan_resources TO {web}")  # fmt: skip
    run("GRANT UPDATE (limits) ON plans TO {web}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
