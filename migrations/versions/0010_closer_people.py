"""Who may name whom: people join a tenant and claim an address only in their own name."""

from alembic import op
from policies import run

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Asked before anybody is signed in; with a tenant bound it would answer about other tenants' people.
FIND_USER = """
CREATE OR REPLACE FUNCTION find_user_by_email(wanted text)
RETURNS TABLE (user_id uuid, password_hash text, disabled_at timestamptz, staff_role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT u.id, u.password_hash, u.disabled_at, m.role FROM email_addresses e JOIN users u ON u.id = e.user_id
   LEFT JOIN staff_members m ON m.user_id = u.id
   WHERE e.email = lower(wanted) AND NULLIF(current_setting('app.tenant_id', true), '') IS NULL $$
"""


def upgrade() -> None:
    # Whoever is a member is seen by the tenant: a tenant that could add anybody could look at anybody. The
    # foreign key would also have told whether somebody exists.
    run("""DROP POLICY memberships_web_insert ON memberships;
           CREATE POLICY memberships_web_insert ON memberships FOR INSERT TO {web}
             WITH CHECK (tenant_id = {tenant} AND user_id = {user});
           REVOKE UPDATE ON memberships FROM {web};
           GRANT UPDATE (role) ON memberships TO {web}""")
    # An address of one's own for somebody else's account would find that account.
    run("""ALTER TABLE email_addresses ENABLE ROW LEVEL SECURITY;
           ALTER TABLE email_addresses FORCE ROW LEVEL SECURITY;
           CREATE POLICY email_addresses_web_insert ON email_addresses FOR INSERT TO {web}
             WITH CHECK (user_id = {user});
           CREATE POLICY email_addresses_lookup ON email_addresses FOR SELECT TO {lookup} USING (true)""")
    op.execute(FIND_USER)


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
