"""Users, memberships, sessions, and the look-ups that sign-in may do before a tenant is known."""

from alembic import op
from policies import protect, run

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    name text NOT NULL,
    password_hash text NOT NULL,
    language text NOT NULL DEFAULT 'en',
    format_locale text NOT NULL DEFAULT 'en_US',
    timezone text NOT NULL DEFAULT 'UTC',
    theme text NOT NULL DEFAULT 'auto',
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT users_theme_check CHECK (theme IN ('auto', 'light', 'dark'))
);
CREATE TABLE email_addresses (
    email text PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT email_addresses_lower_check CHECK (email = lower(email))
);
CREATE TABLE staff_members (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    role text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT staff_members_role_check CHECK (role IN ('admin', 'finance', 'support', 'read_only'))
);
CREATE TABLE memberships (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    user_id uuid NOT NULL REFERENCES users (id),
    role text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, user_id),
    CONSTRAINT memberships_role_check CHECK (role IN ('owner', 'billing', 'developer', 'viewer'))
);
CREATE INDEX memberships_user_id_idx ON memberships (user_id);
CREATE TABLE user_sessions (
    id uuid PRIMARY KEY,
    token_hash bytea NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    tenant_id uuid,
    address text NOT NULL DEFAULT '',
    user_agent text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT user_sessions_token_hash_key UNIQUE (token_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX user_sessions_user_id_idx ON user_sessions (user_id);
CREATE TABLE password_resets (
    token_hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE TABLE login_attempts (
    id uuid PRIMARY KEY,
    account text NOT NULL,
    address text NOT NULL,
    succeeded boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX login_attempts_account_idx ON login_attempts (account, created_at);
CREATE INDEX login_attempts_address_idx ON login_attempts (address, created_at);
"""

# Each answers one question of sign-in and returns no more than that question needs. They belong to
# `lookup`, which cannot log in and has a policy of its own: FORCE would blind the owner's functions too.
FUNCTIONS = """
CREATE FUNCTION find_user_by_email(wanted text)
RETURNS TABLE (user_id uuid, password_hash text, disabled_at timestamptz, staff_role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT u.id, u.password_hash, u.disabled_at, m.role FROM email_addresses e JOIN users u ON u.id = e.user_id
   LEFT JOIN staff_members m ON m.user_id = u.id
   WHERE e.email = lower(wanted) $$;

-- A session ends by its absolute lifetime, or when nobody used it: 7 days, 1 hour for staff.
CREATE FUNCTION find_session(wanted bytea)
RETURNS TABLE (session_id uuid, user_id uuid, tenant_id uuid, last_seen_at timestamptz, staff_role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT s.id, s.user_id, s.tenant_id, s.last_seen_at, m.role FROM user_sessions s
   JOIN users u ON u.id = s.user_id AND u.disabled_at IS NULL
   LEFT JOIN staff_members m ON m.user_id = s.user_id
   WHERE s.token_hash = wanted AND s.revoked_at IS NULL AND s.expires_at > now()
     AND s.last_seen_at > now() - CASE WHEN m.role IS NULL THEN interval '7 days' ELSE interval '1 hour' END $$;

CREATE FUNCTION find_password_reset(wanted bytea) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT r.user_id FROM password_resets r JOIN users u ON u.id = r.user_id AND u.disabled_at IS NULL
   WHERE r.token_hash = wanted AND r.used_at IS NULL AND r.expires_at > now() $$;

-- An account's count starts anew at its last success; an address's does not, or an attacker would sign in
-- to an account of his own between two guesses.
CREATE FUNCTION count_failed_logins(wanted_account text, wanted_address text, seconds double precision)
RETURNS TABLE (of_account bigint, account_since timestamptz, of_address bigint, address_since timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS
$$ SELECT a.n, a.since, b.n, b.since FROM
     (SELECT count(*) AS n, min(created_at) AS since FROM login_attempts
      WHERE account = wanted_account AND NOT succeeded AND created_at > now() - make_interval(secs => seconds)
        AND created_at > coalesce((SELECT max(created_at) FROM login_attempts
                                   WHERE account = wanted_account AND succeeded), '-infinity')) AS a,
     (SELECT count(*) AS n, min(created_at) AS since FROM login_attempts
      WHERE address = wanted_address AND NOT succeeded AND created_at > now() - make_interval(secs => seconds)) AS b $$;

-- The time moves too, so that the failures before it are forgiven.
CREATE FUNCTION mark_login_succeeded(attempt uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS
$$ UPDATE login_attempts SET succeeded = true, created_at = now() WHERE id = attempt $$;
"""
SIGNATURES = (
    "find_user_by_email(text)",
    "find_session(bytea)",
    "find_password_reset(bytea)",
    "count_failed_logins(text, text, double precision)",
    "mark_login_succeeded(uuid)",
)


def upgrade() -> None:
    op.execute(TABLES)
    _users()
    _memberships()
    _secrets()
    run("GRANT INSERT ON login_attempts, email_addresses TO {web}")
    run("GRANT SELECT ON login_attempts, email_addresses, staff_members TO {lookup}, {backup}")
    run("GRANT UPDATE (succeeded, created_at) ON login_attempts TO {lookup}")
    run("GRANT SELECT ON staff_members TO {staff}, {reader}")
    run("GRANT SELECT, DELETE ON login_attempts TO {worker}")
    op.execute(FUNCTIONS)
    run("GRANT CREATE ON SCHEMA public TO {lookup}")
    for signature in SIGNATURES:
        run(f"ALTER FUNCTION {signature} OWNER TO {{lookup}}; REVOKE ALL ON FUNCTION {signature} FROM PUBLIC")
        run(f"GRANT EXECUTE ON FUNCTION {signature} TO {{web}}")
    run("REVOKE CREATE ON SCHEMA public FROM {lookup}")


def _secrets() -> None:
    """Sessions and reset links: their user's own, looked up by hash before anybody is signed in."""
    for table in ("user_sessions", "password_resets"):
        run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        own = "(user_id = {user})"
        run(f"CREATE POLICY {table}_web ON {table} TO {{web}} USING {own} WITH CHECK {own}")
        run(f"CREATE POLICY {table}_lookup ON {table} FOR SELECT TO {{lookup}} USING (true)")
        run(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {{web}}; GRANT SELECT ON {table} TO {{lookup}}, {{backup}}")
        # The worker clears what has been over for a month.
        over = "expires_at < now() - interval '30 days'"
        for verb in ("SELECT", "DELETE"):
            run(f"CREATE POLICY {table}_sweep_{verb.lower()} ON {table} FOR {verb} TO {{worker}} USING ({over})")
        run(f"GRANT SELECT, DELETE ON {table} TO {{worker}}")
    # The mail job makes the reset link: a token in the outbox could be read there.
    run("""CREATE POLICY password_resets_issue ON password_resets TO {worker}
           USING (user_id = {user}) WITH CHECK (user_id = {user})""")
    run("GRANT INSERT, UPDATE (used_at) ON password_resets TO {worker}")


def _users() -> None:
    run("ALTER TABLE users ENABLE ROW LEVEL SECURITY; ALTER TABLE users FORCE ROW LEVEL SECURITY")
    # A person sees itself; inside a tenant one sees the tenant's other members (memberships' policy filters them).
    run("""CREATE POLICY users_select ON users FOR SELECT TO {web}, {worker}
           USING (id = {user} OR id IN (SELECT m.user_id FROM memberships m WHERE m.tenant_id = {tenant}))""")
    run("CREATE POLICY users_insert ON users FOR INSERT TO {web} WITH CHECK (id = {user})")
    run("CREATE POLICY users_update ON users FOR UPDATE TO {web} USING (id = {user}) WITH CHECK (id = {user})")
    run("CREATE POLICY users_lookup ON users FOR SELECT TO {lookup}, {staff}, {reader} USING (true)")
    run("GRANT SELECT, INSERT, UPDATE ON users TO {web}; GRANT SELECT ON users TO {worker}, {lookup}, {backup}")
    # Not password_hash: staff look at people, never at their secrets.
    run("""GRANT SELECT (id, email, name, language, format_locale, timezone, disabled_at, created_at)
           ON users TO {staff}, {reader}""")


def _memberships() -> None:
    protect("memberships", web="SELECT, INSERT, UPDATE, DELETE", worker="SELECT")
    run("CREATE POLICY memberships_own ON memberships FOR SELECT TO {web} USING (user_id = {user})")
    run("""CREATE POLICY tenants_of_user ON tenants FOR SELECT TO {web}
           USING (id IN (SELECT m.tenant_id FROM memberships m WHERE m.user_id = {user}))""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
