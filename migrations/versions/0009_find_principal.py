"""Who is signed in, by one statement: every page asks it, and each further round trip costs as much as ten rows."""

from alembic import op
from policies import run

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# In PL/pgSQL, because its plans are kept by the connection. Whether the session is stale is for the caller to
# write down: a function that only looks may be called as often as one likes.
FUNCTION = """
CREATE FUNCTION find_principal(wanted bytea)
RETURNS TABLE (session_id uuid, user_id uuid, tenant_id uuid, is_stale boolean, staff_role text, name text, email text,
               language text, format_locale text, timezone text, theme text, tenants jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$
#variable_conflict use_column
BEGIN
  -- A session ends by its absolute lifetime, or when nobody used it: 7 days, 1 hour for staff.
  RETURN QUERY
  SELECT s.id, s.user_id, s.tenant_id, s.last_seen_at < now() - interval '1 minute', m.role, u.name, u.email,
    u.language, u.format_locale, u.timezone, u.theme,
    (SELECT coalesce(jsonb_agg(jsonb_build_array(t.id, t.name, t.slug, o.role) ORDER BY t.name, t.id), '[]')
     FROM memberships o JOIN tenants t ON t.id = o.tenant_id WHERE o.user_id = s.user_id AND t.status <> 'closed')
  FROM user_sessions s JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL
  LEFT JOIN staff_members m ON m.user_id = s.user_id
  WHERE s.token_hash = wanted AND s.revoked_at IS NULL AND s.expires_at > now()
    AND s.last_seen_at > now() - CASE WHEN m.role IS NULL THEN interval '7 days' ELSE interval '1 hour' END;
END $$
"""


def upgrade() -> None:
    op.execute(FUNCTION)
    run("""GRANT CREATE ON SCHEMA public TO {lookup};
           ALTER FUNCTION find_principal(bytea) OWNER TO {lookup};
           REVOKE CREATE ON SCHEMA public FROM {lookup};
           REVOKE ALL ON FUNCTION find_principal(bytea) FROM PUBLIC;
           GRANT EXECUTE ON FUNCTION find_principal(bytea) TO {web};
           DROP FUNCTION find_session(bytea)""")
    run("""GRANT SELECT (id, name, slug, status) ON tenants TO {lookup};
           GRANT SELECT ON memberships TO {lookup};
           CREATE POLICY tenants_lookup ON tenants FOR SELECT TO {lookup} USING (true);
           CREATE POLICY memberships_lookup ON memberships FOR SELECT TO {lookup} USING (true)""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
