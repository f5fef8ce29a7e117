"""What every revision needs: the roles' names, and a tenant table's row-level security."""

import re

from alembic import op
from sqlalchemy import text

RUNTIME_PARTITION = re.compile(r"_p\d+(_\d+)?$")
TENANT = "NULLIF(current_setting('app.tenant_id', true), '')::uuid"
USER = "NULLIF(current_setting('app.user_id', true), '')::uuid"
REQUEST = "NULLIF(current_setting('app.request_token', true), '')::uuid"
ROLES = ("web", "worker", "staff", "reader", "backup", "lookup")


def role(name: str) -> str:
    """The quoted name of a role, prefixed as the settings say."""
    prefix = op.get_bind().execute(text("SELECT current_setting('app.role_prefix')")).scalar_one()
    return f'"{prefix}_{name}"'


def run(sql: str) -> None:
    """Execute SQL in which ``{web}``, ``{worker}`` … stand for roles and ``{tenant}``, ``{user}`` for bindings."""
    names = {name: role(name) for name in ROLES}
    op.get_bind().exec_driver_sql(sql.format(**names, tenant=TENANT, user=USER, request=REQUEST))


def protect(table: str, *, web: str, worker: str, column: str = "tenant_id") -> None:
    """Force row-level security on a tenant table: the bound tenant for web and worker, all rows to read for staff.

    ``web`` and ``worker`` are lists of privileges as in GRANT; whatever is left out is refused twice,
    by the missing grant and by the missing policy. FORCE holds the owner to the policies as well.
    """
    run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    for name, privileges in (("web", web), ("worker", worker)):
        for verb in sorted(set(re.findall(r"SELECT|INSERT|UPDATE|DELETE", privileges))):
            using = f"USING ({column} = {{tenant}})" if verb != "INSERT" else ""
            check = f"WITH CHECK ({column} = {{tenant}})" if verb in ("INSERT", "UPDATE") else ""
            run(f"CREATE POLICY {table}_{name}_{verb.lower()} ON {table} FOR {verb} TO {{{name}}} {using} {check}")
        run(f"GRANT {privileges} ON {table} TO {{{name}}}")
    read_only(table)


def read_only(table: str) -> None:
    """Staff's cross-tenant views and the evaluators read everything and write nothing."""
    run(f"CREATE POLICY {table}_staff ON {table} FOR SELECT TO {{staff}}, {{reader}} USING (true)")
    run(f"GRANT SELECT ON {table} TO {{staff}}, {{reader}}, {{backup}}")
