"""Sources of usage that we ask: connections to NetBox and Odoo, and which of their tenants is which of ours."""

from alembic import op
from policies import protect, run

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

SOURCES = """
CREATE TABLE usage_sources (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    name text NOT NULL,
    base_url text NOT NULL,
    secret text NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    key_expires_at timestamptz,
    tested_at timestamptz,
    test_outcome text,
    version text,
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT usage_sources_kind_check CHECK (kind ~ '^[a-z][a-z0-9_]{0,30}$'),
    CONSTRAINT usage_sources_name_check CHECK (length(name) BETWEEN 1 AND 60),
    CONSTRAINT usage_sources_options_check CHECK (jsonb_typeof(options) = 'object')
);
CREATE UNIQUE INDEX usage_sources_name_idx ON usage_sources (name);
CREATE TABLE usage_source_links (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    source_id uuid NOT NULL REFERENCES usage_sources (id),
    kind text NOT NULL,
    external_id text NOT NULL,
    external_name text NOT NULL,
    state text NOT NULL DEFAULT 'linked',
    counts_from date NOT NULL,
    sampled_at timestamptz,
    figures jsonb NOT NULL DEFAULT '{}',
    error_code text,
    failing_since timestamptz,
    removed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT usage_source_links_state_check CHECK (state IN ('linked', 'unlinked', 'failing')),
    CONSTRAINT usage_source_links_figures_check CHECK (jsonb_typeof(figures) = 'object'),
    CONSTRAINT usage_source_links_error_check CHECK ((state = 'linked') = (error_code IS NULL))
);
CREATE UNIQUE INDEX usage_source_links_kind_idx ON usage_source_links (tenant_id, kind) WHERE removed_at IS NULL;
"""
# Each order and invoice counts once, by its own id; nothing of them was reported before there were sources.
COUNTED = "UPDATE resources SET aggregation = 'sum' WHERE resource_type IN ('odoo_orders', 'odoo_invoices')"
# All but the secret.
SHOWN = "id, kind, name, base_url, options, key_expires_at, tested_at, test_outcome, version, archived_at, created_at"


def upgrade() -> None:
    op.execute(SOURCES)
    op.execute(COUNTED)
    # Not forced: the owner writes the ones of the settings.
    run("ALTER TABLE usage_sources ENABLE ROW LEVEL SECURITY")
    run("""CREATE POLICY usage_sources_read ON usage_sources FOR SELECT TO {worker}, {staff}, {reader} USING (true);
           CREATE POLICY usage_sources_work ON usage_sources FOR UPDATE TO {worker} USING (true) WITH CHECK (true);
           CREATE POLICY usage_sources_web_select ON usage_sources FOR SELECT TO {web} USING (is_keeper());
           CREATE POLICY usage_sources_web_insert ON usage_sources FOR INSERT TO {web} WITH CHECK (is_keeper());
           CREATE POLICY usage_sources_web_update ON usage_sources FOR UPDATE TO {web}
             USING (is_keeper()) WITH CHECK (is_keeper())""")
    # Nobody changes the kind of one that is there: its links are of that kind.
    run("GRANT SELECT, INSERT, UPDATE (name, base_url, secret, options, key_expires_at, tested_at, test_outcome,"
        " version, archived_at) ON usage_sources TO {web}")  # fmt: skip
    run("GRANT SELECT, UPDATE (key_expires_at, tested_at, test_outcome, version) ON usage_sources TO {worker}")
    run(f"GRANT SELECT ({SHOWN}) ON usage_sources TO {{staff}}, {{reader}}")
    run("GRANT SELECT ON usage_sources TO {backup}")
    protect(
        "usage_source_links",
        web="SELECT",
        worker="SELECT, UPDATE (state, sampled_at, figures, error_code, failing_since)",
    )
    # A tenant's own people see what is linked and never link.
    run("""CREATE POLICY usage_source_links_web_insert ON usage_source_links FOR INSERT TO {web}
             WITH CHECK (tenant_id = {tenant} AND is_keeper());
           CREATE POLICY usage_source_links_web_update ON usage_source_links FOR UPDATE TO {web}
             USING (tenant_id = {tenant} AND is_keeper()) WITH CHECK (tenant_id = {tenant} AND is_keeper());
           GRANT INSERT, UPDATE (removed_at) ON usage_source_links TO {web};
           CREATE POLICY outbox_web_insert_sources ON outbox FOR INSERT TO {web}
             WITH CHECK (tenant_id = {tenant} AND kind = 'source.pull' AND is_keeper())""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
