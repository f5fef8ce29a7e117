"""Keys that integrations of a tenant speak with."""

from alembic import op
from policies import protect, run

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

KEYS = """
CREATE TABLE api_keys (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    name text NOT NULL,
    shown text NOT NULL,
    token_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    created_by uuid,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX api_keys_token_hash_idx ON api_keys (token_hash);
"""

# Asked before anybody is known. `is_stale`: its use is to be written down, which is not done for every request.
FIND = """
CREATE FUNCTION find_api_key(wanted bytea)
RETURNS TABLE (tenant_id uuid, key_id uuid, scopes text[], language text, is_stale boolean)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  SELECT k.tenant_id, k.id, k.scopes, t.language,
    k.last_used_at IS NULL OR k.last_used_at < now() - interval '5 minutes'
  FROM api_keys k JOIN tenants t ON t.id = k.tenant_id AND t.status <> 'closed'
  WHERE k.token_hash = wanted AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now());
END $$
"""


def upgrade() -> None:
    op.execute(KEYS)
    protect("api_keys", web="SELECT, INSERT", worker="SELECT")
    run("""GRANT UPDATE (name, revoked_at, last_used_at, expires_at) ON api_keys TO {web};
           CREATE POLICY api_keys_web_update ON api_keys FOR UPDATE TO {web}
             USING (tenant_id = {tenant}) WITH CHECK (tenant_id = {tenant})""")
    op.execute(FIND)
    run("""GRANT CREATE ON SCHEMA public TO {lookup};
           ALTER FUNCTION find_api_key(bytea) OWNER TO {lookup};
           REVOKE CREATE ON SCHEMA public FROM {lookup};
           REVOKE ALL ON FUNCTION find_api_key(bytea) FROM PUBLIC;
           GRANT EXECUTE ON FUNCTION find_api_key(bytea) TO {web}""")
    run("""GRANT SELECT ON api_keys TO {lookup};
           GRANT SELECT (language) ON tenants TO {lookup};
           CREATE POLICY api_keys_lookup ON api_keys FOR SELECT TO {lookup} USING (true)""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
