"""Roles, tenants, the installation."""

from alembic import op
from policies import ROLES, protect, role, run

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ROLES:
        op.execute(
            f"""DO $$ BEGIN CREATE ROLE {role(name)} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
            EXCEPTION WHEN duplicate_object THEN NULL; END $$"""
        )
    # The owner makes functions that `lookup` shall own: it must be a member, and `lookup` may not create later.
    run("GRANT {lookup} TO CURRENT_USER; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    run("GRANT USAGE ON SCHEMA public TO {web}, {worker}, {staff}, {reader}, {backup}, {lookup}")
    op.execute("""
        CREATE TABLE installation (
            id boolean PRIMARY KEY DEFAULT true,
            stripe_account_id text,
            livemode boolean,
            stripe_api_base text,
            money_stopped_at timestamptz,
            issuer jsonb NOT NULL DEFAULT '{}',
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT installation_single_check CHECK (id)
        )""")
    op.execute("INSERT INTO installation DEFAULT VALUES")
    run("GRANT SELECT ON installation TO {web}, {worker}, {staff}, {reader}, {backup}")
    op.execute("""
        CREATE TABLE tenants (
            id uuid PRIMARY KEY,
            name text NOT NULL,
            slug text NOT NULL,
            email text NOT NULL,
            status text NOT NULL DEFAULT 'active',
            language text NOT NULL DEFAULT 'en',
            format_locale text NOT NULL DEFAULT 'en_US',
            timezone text NOT NULL DEFAULT 'UTC',
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT tenants_status_check CHECK (status IN ('active', 'suspended', 'closed')),
            CONSTRAINT tenants_slug_check CHECK (slug ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
        )""")
    protect("tenants", web="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE", column="id")
    op.execute("""
        CREATE TABLE tenant_slugs (
            slug text PRIMARY KEY,
            tenant_id uuid NOT NULL REFERENCES tenants (id)
        )""")
    run("ALTER TABLE tenant_slugs ENABLE ROW LEVEL SECURITY; ALTER TABLE tenant_slugs FORCE ROW LEVEL SECURITY")
    run("CREATE POLICY tenant_slugs_web_insert ON tenant_slugs FOR INSERT TO {web} WITH CHECK (tenant_id = {tenant})")
    run("CREATE POLICY tenant_slugs_read ON tenant_slugs FOR SELECT TO {staff}, {reader} USING (true)")
    run("GRANT INSERT ON tenant_slugs TO {web}; GRANT SELECT ON tenant_slugs TO {staff}, {reader}, {backup}")
    op.execute("""
        CREATE TABLE billing_details (
            tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
            legal_name text NOT NULL DEFAULT '',
            email text NOT NULL DEFAULT '',
            line1 text NOT NULL DEFAULT '',
            line2 text NOT NULL DEFAULT '',
            city text NOT NULL DEFAULT '',
            state text NOT NULL DEFAULT '',
            postal_code text NOT NULL DEFAULT '',
            country text NOT NULL DEFAULT '',
            tax_id text NOT NULL DEFAULT '',
            updated_at timestamptz NOT NULL DEFAULT now()
        )""")
    protect("billing_details", web="SELECT, INSERT, UPDATE", worker="SELECT")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
