"""What is metered: resources, their terms per plan, events that count once, sums of them."""

import itertools

from alembic import op
from policies import protect, role, run

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

KEY_PARTITIONS = 8
MONTHS_AHEAD = 3

CATALOGUE = """
CREATE TABLE resources (
    resource_type text PRIMARY KEY,
    aggregation text NOT NULL,
    unit text NOT NULL DEFAULT '',
    names jsonb NOT NULL,
    decimals bigint NOT NULL DEFAULT 0,
    position bigint NOT NULL DEFAULT 0,
    archived_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT resources_resource_type_check CHECK (resource_type ~ '^[a-z][a-z0-9_]{0,62}$'),
    CONSTRAINT resources_aggregation_check CHECK (aggregation IN ('sum', 'max', 'last', 'unique')),
    CONSTRAINT resources_names_check CHECK (jsonb_typeof(names) = 'object'),
    CONSTRAINT resources_decimals_check CHECK (decimals BETWEEN 0 AND 9)
);
CREATE TABLE plan_resources (
    plan_id text NOT NULL REFERENCES plans (plan_id),
    resource_type text NOT NULL REFERENCES resources (resource_type),
    included numeric(24, 9),
    limit_kind text NOT NULL DEFAULT 'hard',
    tiers_mode text NOT NULL DEFAULT 'graduated',
    tiers jsonb NOT NULL DEFAULT '{}',
    package_size numeric(24, 9) NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (plan_id, resource_type),
    CONSTRAINT plan_resources_included_check CHECK (included >= 0),
    CONSTRAINT plan_resources_limit_kind_check CHECK (limit_kind IN ('soft', 'hard')),
    CONSTRAINT plan_resources_tiers_mode_check CHECK (tiers_mode IN ('graduated', 'volume')),
    CONSTRAINT plan_resources_tiers_check CHECK (jsonb_typeof(tiers) = 'object'),
    CONSTRAINT plan_resources_package_size_check CHECK (package_size > 0)
);
"""

# What the contract names, and what NetBox and Odoo are asked for. Levels count by their highest value in a period.
RESOURCES = """
INSERT INTO resources (position, resource_type, aggregation, unit, names) VALUES
    (1, 'api_calls', 'sum', 'requests', '{"en": "API calls", "es": "Llamadas a la API", "pt_BR": "Chamadas de API"}'),
    (2, 'storage_gb', 'max', 'GB', '{"en": "Storage", "es": "Almacenamiento", "pt_BR": "Armazenamento"}'),
    (3, 'users', 'max', '', '{"en": "Users", "es": "Usuarios", "pt_BR": "Usuários"}'),
    (10, 'netbox_devices', 'max', '', '{"en": "Devices", "es": "Dispositivos", "pt_BR": "Dispositivos"}'),
    (11, 'netbox_vms', 'max', '',
        '{"en": "Virtual machines", "es": "Máquinas virtuales", "pt_BR": "Máquinas virtuais"}'),
    (12, 'netbox_ips', 'max', '', '{"en": "IP addresses", "es": "Direcciones IP", "pt_BR": "Endereços IP"}'),
    (13, 'netbox_prefixes', 'max', '', '{"en": "Prefixes", "es": "Prefijos", "pt_BR": "Prefixos"}'),
    (14, 'netbox_vcpus', 'max', '', '{"en": "Virtual CPUs", "es": "CPU virtuales", "pt_BR": "CPUs virtuais"}'),
    (15, 'netbox_memory_gb', 'max', 'GB', '{"en": "Memory", "es": "Memoria", "pt_BR": "Memória"}'),
    (16, 'netbox_disk_gb', 'max', 'GB', '{"en": "Disk", "es": "Disco", "pt_BR": "Disco"}'),
    (20, 'odoo_users', 'max', '',
        '{"en": "Active Odoo users", "es": "Usuarios activos de Odoo", "pt_BR": "Usuários ativos do Odoo"}'),
    (21, 'odoo_storage_gb', 'max', 'GB',
        '{"en": "Odoo storage", "es": "Almacenamiento de Odoo", "pt_BR": "Armazenamento do Odoo"}'),
    (22, 'odoo_orders', 'max', '', '{"en": "Orders", "es": "Pedidos", "pt_BR": "Pedidos"}'),
    (23, 'odoo_invoices', 'max', '',
        '{"en": "Invoices issued", "es": "Facturas emitidas", "pt_BR": "Faturas emitidas"}');
"""

# No foreign keys from keys, events and sums: each would be looked up once for every row of a batch. What they name is
# joined to by the statement that writes them.
PERIODS = """
CREATE TABLE usage_periods (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    timezone text NOT NULL,
    subscription_id uuid,
    closed_at timestamptz,
    late_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT usage_periods_span_check CHECK (ends_at > starts_at),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE UNIQUE INDEX usage_periods_starts_at_idx ON usage_periods (tenant_id, starts_at);
"""

EVENTS = """
CREATE TABLE usage_keys (
    tenant_id uuid NOT NULL,
    event_id text COLLATE "C" NOT NULL,
    body_hash bytea NOT NULL,
    id uuid NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
) PARTITION BY HASH (tenant_id);
CREATE TABLE usage_events (
    tenant_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    id uuid NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    quantity numeric(24, 9) NOT NULL,
    counted_at timestamptz NOT NULL,
    period_id uuid NOT NULL,
    is_late boolean NOT NULL DEFAULT false,
    event_id text COLLATE "C",
    corrects text COLLATE "C",
    value text COLLATE "C",
    source text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (tenant_id, recorded_at, id)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX usage_events_period_idx ON usage_events (tenant_id, period_id, resource_type, counted_at);
CREATE INDEX usage_events_corrects_idx ON usage_events (tenant_id, corrects) WHERE corrects IS NOT NULL;
CREATE TABLE usage_rollups (
    tenant_id uuid NOT NULL,
    period_id uuid NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    grain text COLLATE "C" NOT NULL,
    bucket_at timestamptz NOT NULL,
    source text COLLATE "C" NOT NULL,
    slot bigint NOT NULL,
    total numeric(30, 9) NOT NULL,
    events bigint NOT NULL,
    highest numeric(24, 9) NOT NULL,
    latest numeric(24, 9) NOT NULL,
    latest_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, period_id, resource_type, grain, bucket_at, source, slot),
    CONSTRAINT usage_rollups_grain_check CHECK (grain IN ('hour', 'day', 'period'))
) WITH (fillfactor = 70);
CREATE TABLE usage_uniques (
    tenant_id uuid NOT NULL,
    period_id uuid NOT NULL,
    resource_type text COLLATE "C" NOT NULL,
    grain text COLLATE "C" NOT NULL,
    bucket_at timestamptz NOT NULL,
    value text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, period_id, resource_type, grain, bucket_at, value)
);
"""

# The worker makes the months to come; it owns nothing else.
PARTITIONS = """
CREATE FUNCTION make_usage_partition(month date) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    first date := date_trunc('month', month);
    name text := format('usage_events_p%s_%s', to_char(first, 'YYYY'), to_char(first, 'MM'));
BEGIN
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    EXECUTE format('CREATE TABLE %I PARTITION OF usage_events FOR VALUES FROM (%L) TO (%L)',
        name, first::timestamp AT TIME ZONE 'UTC', (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY; ALTER TABLE %I FORCE ROW LEVEL SECURITY;'
        'GRANT SELECT ON %I TO BACKUP', name, name, name);
    RETURN true;
END $$;
"""
# Nobody works on a partition itself; pg_dump reads each of them.
CLOSED = (
    "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY; ALTER TABLE {name} FORCE ROW LEVEL SECURITY;"
    " GRANT SELECT ON {name} TO {{backup}}"
)


def upgrade() -> None:
    op.execute(CATALOGUE)
    op.get_bind().exec_driver_sql(RESOURCES)
    op.execute(PERIODS)
    op.execute(EVENTS)
    for number in range(KEY_PARTITIONS):
        op.execute(f"CREATE TABLE usage_keys_p{number} PARTITION OF usage_keys"
                   f" FOR VALUES WITH (MODULUS {KEY_PARTITIONS}, REMAINDER {number})")  # fmt: skip
        run(CLOSED.format(name=f"usage_keys_p{number}"))
    op.execute(PARTITIONS.replace("BACKUP", role("backup")))
    run("REVOKE ALL ON FUNCTION make_usage_partition FROM PUBLIC;"
        " GRANT EXECUTE ON FUNCTION make_usage_partition TO {worker}")  # fmt: skip
    op.execute(f"SELECT make_usage_partition((now() + make_interval(months => n))::date)"
               f" FROM generate_series(0, {MONTHS_AHEAD}) AS n")  # fmt: skip
    # A gap in the work that makes months must not lose an event.
    op.execute("CREATE TABLE usage_events_p0 PARTITION OF usage_events DEFAULT")
    run(CLOSED.format(name="usage_events_p0"))
    protect("usage_periods", web="SELECT, INSERT, UPDATE (late_at)", worker="SELECT, INSERT, UPDATE")
    protect("usage_keys", web="SELECT, INSERT", worker="SELECT, INSERT")
    protect("usage_events", web="SELECT, INSERT", worker="SELECT, INSERT")
    protect("usage_rollups", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
    protect("usage_uniques", web="SELECT, INSERT", worker="SELECT, INSERT")
    # These take thousands of rows in one statement, for which the binding is read once. What a statement returns of
    # new rows has to pass the policy of reading, too.
    for table, name in itertools.product(("usage_keys", "usage_events"), ("web", "worker")):
        run(f"ALTER POLICY {table}_{name}_insert ON {table} WITH CHECK (tenant_id = (SELECT {{tenant}}));"
            f"ALTER POLICY {table}_{name}_select ON {table} USING (tenant_id = (SELECT {{tenant}}))")  # fmt: skip
    for table in ("resources", "plan_resources"):
        run(f"GRANT SELECT ON {table} TO {{web}}, {{worker}}, {{staff}}, {{reader}}, {{backup}}")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
