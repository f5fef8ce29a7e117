"""Work that is owed and what Stripe told us: outbox, inbox, periodic tasks, findings, figures."""

from alembic import op
from policies import run

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE outbox (
    id uuid PRIMARY KEY,
    tenant_id uuid,
    kind text NOT NULL,
    key text NOT NULL,
    payload jsonb NOT NULL DEFAULT '{}',
    attempts bigint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    lease_token uuid,
    lease_until timestamptz,
    done_at timestamptz,
    dead_at timestamptz,
    last_error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT outbox_key_key UNIQUE (key)
);
CREATE INDEX outbox_due_idx ON outbox (next_at) WHERE done_at IS NULL AND dead_at IS NULL;
CREATE TABLE stripe_events (
    id text PRIMARY KEY,
    type text NOT NULL,
    api_version text,
    livemode boolean NOT NULL,
    object_id text,
    payload jsonb NOT NULL,
    parked_reason text,
    created_at timestamptz NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX stripe_events_object_id_idx ON stripe_events (object_id);
CREATE TABLE stripe_objects (
    id text PRIMARY KEY,
    kind text NOT NULL,
    wanted bigint NOT NULL DEFAULT 0,
    seen bigint NOT NULL DEFAULT 0,
    attempts bigint NOT NULL DEFAULT 0,
    next_at timestamptz NOT NULL DEFAULT now(),
    lease_token uuid,
    lease_until timestamptz,
    parked_at timestamptz,
    last_error text,
    seen_at timestamptz
);
CREATE INDEX stripe_objects_due_idx ON stripe_objects (next_at) WHERE seen < wanted AND parked_at IS NULL;
CREATE TABLE stripe_customers (
    customer_id text PRIMARY KEY,
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stripe_customers_tenant_id_key UNIQUE (tenant_id)
);
CREATE TABLE periodic_tasks (
    name text PRIMARY KEY,
    every_seconds bigint NOT NULL,
    next_at timestamptz NOT NULL DEFAULT now(),
    last_started_at timestamptz
);
CREATE TABLE heartbeats (
    name text PRIMARY KEY,
    kind text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE drift_findings (
    id uuid PRIMARY KEY,
    tenant_id uuid,
    kind text NOT NULL,
    object_id text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz
);
CREATE UNIQUE INDEX drift_findings_open_idx ON drift_findings (kind, object_id) WHERE resolved_at IS NULL;
CREATE TABLE metric_values (
    name text NOT NULL,
    labels jsonb NOT NULL DEFAULT '{}',
    value numeric NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, labels)
);
"""

# The web role may say "look at this object again" and nothing else about the mirror's work list.
FUNCTIONS = """
CREATE FUNCTION want_stripe_object(object_id text, object_kind text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS
$$ INSERT INTO stripe_objects AS o (id, kind, wanted) VALUES (object_id, object_kind, 1)
   ON CONFLICT (id) DO UPDATE SET wanted = o.wanted + 1, next_at = least(o.next_at, now()), parked_at = NULL,
     attempts = CASE WHEN o.parked_at IS NULL THEN o.attempts ELSE 0 END $$;
"""


WEB_KINDS = (
    "checkout.open",
    "checkout.expire",
    "document.render",
    "mail.send",
    "mail.password_reset",
    "mail.password_changed",
)


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(FUNCTIONS)
    run("GRANT CREATE ON SCHEMA public TO {lookup}; GRANT SELECT, INSERT, UPDATE ON stripe_objects TO {lookup}")
    run("ALTER FUNCTION want_stripe_object(text, text) OWNER TO {lookup}")
    run("REVOKE CREATE ON SCHEMA public FROM {lookup}")
    run("REVOKE ALL ON FUNCTION want_stripe_object(text, text) FROM PUBLIC")
    run("GRANT EXECUTE ON FUNCTION want_stripe_object(text, text) TO {web}, {worker}")
    # A request sees and ends only the work that is leased to itself.
    run("ALTER TABLE outbox ENABLE ROW LEVEL SECURITY; ALTER TABLE outbox FORCE ROW LEVEL SECURITY")
    # Only what pages owe, and only for the tenant at hand: refunds and endings are the worker's to stage.
    kinds = ", ".join(f"'{kind}'" for kind in WEB_KINDS)
    own = f"(tenant_id IS NULL OR tenant_id = {{tenant}}) AND kind IN ({kinds})"
    run(f"CREATE POLICY outbox_web_insert ON outbox FOR INSERT TO {{web}} WITH CHECK ({own})")
    run("CREATE POLICY outbox_web_select ON outbox FOR SELECT TO {web} USING (lease_token = {request})")
    run("""CREATE POLICY outbox_web_update ON outbox FOR UPDATE TO {web}
           USING (lease_token = {request}) WITH CHECK (true)""")
    run("CREATE POLICY outbox_worker ON outbox TO {worker} USING (true) WITH CHECK (true)")
    run("CREATE POLICY outbox_read ON outbox FOR SELECT TO {staff}, {reader} USING (true)")
    run("GRANT SELECT, INSERT, UPDATE (done_at, dead_at, last_error, lease_until) ON outbox TO {web}")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON outbox TO {worker}")
    run("GRANT INSERT ON stripe_events TO {web}; GRANT SELECT, INSERT, UPDATE, DELETE ON stripe_events TO {worker}")
    run("GRANT SELECT, INSERT ON stripe_customers TO {web}; GRANT INSERT ON drift_findings TO {web}")
    for table, check in (
        ("stripe_customers", "tenant_id = {tenant}"),
        ("drift_findings", "tenant_id IS NULL OR tenant_id = {tenant}"),
    ):
        run(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY; ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        run(f"CREATE POLICY {table}_web_insert ON {table} FOR INSERT TO {{web}} WITH CHECK ({check})")
        run(f"CREATE POLICY {table}_worker ON {table} TO {{worker}} USING (true) WITH CHECK (true)")
        run(f"CREATE POLICY {table}_read ON {table} FOR SELECT TO {{staff}}, {{reader}} USING (true)")
    run(
        "CREATE POLICY stripe_customers_web_select ON stripe_customers FOR SELECT TO {web} USING (tenant_id = {tenant})"
    )
    run("""GRANT SELECT, INSERT, UPDATE
           ON stripe_objects, stripe_customers, periodic_tasks, heartbeats, drift_findings TO {worker}""")
    run("GRANT SELECT, INSERT, UPDATE, DELETE ON metric_values TO {worker}; GRANT DELETE ON heartbeats TO {worker}")
    run("GRANT SELECT ON heartbeats, metric_values TO {web}")
    run("""GRANT SELECT ON outbox, stripe_events, stripe_objects, stripe_customers, periodic_tasks, heartbeats,
           drift_findings, metric_values TO {staff}, {reader}, {backup}""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
