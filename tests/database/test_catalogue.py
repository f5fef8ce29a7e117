"""What PostgreSQL itself enforces: read from its catalogue, and tried."""

from uuid import uuid4

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError

from portal import config
from portal.ids import uuid7
from tests.support import database
from tests.support.shopping import make_tenant

# Tables of no tenant. Each is here for a reason; a new table is a tenant's unless it is added here.
PLATFORM = {
    "alembic_version": "the migrations' own",
    "coupons": "the catalogue, the same for all; written by staff only",
    "drift_findings": "findings for staff",
    "email_addresses": "global uniqueness of addresses",
    "heartbeats": "which workers live",
    "installation": "one row for the installation",
    "legal_steps": "which states may follow which, the same for all",
    "login_attempts": "before anybody is known",
    "metric_values": "figures over all tenants",
    "outbox": "owed work; policies by role and request",
    "password_resets": "a user's, by app.user_id",
    "periodic_tasks": "of the installation",
    "plan_prices": "the catalogue, the same for all",
    "plan_resource_versions": "what the catalogue was, the same for all",
    "plan_resources": "the catalogue, the same for all",
    "plans": "the catalogue, the same for all",
    "resources": "the catalogue, the same for all",
    "settings": "one row of policy for the installation",
    "staff_members": "the platform's own people",
    "stripe_cursors": "how far Stripe's lists were looked through",
    "stripe_customers": "global uniqueness of Stripe ids",
    "stripe_events": "the inbox",
    "stripe_objects": "what is wanted of Stripe",
    "tax_rates": "the catalogue, the same for all; written by staff only",
    "tenant_slugs": "global uniqueness of slugs",
    "usage_sources": "connections of the installation; seen and written by staff only",
    "usage_retired_months": "which months of events are gone, for all tenants",
    "user_sessions": "a user's, by app.user_id",
    "users": "a user's, by app.user_id and memberships",
}
# Forced although not a tenant's own.
FORCED_TOO = {
    "drift_findings",
    "email_addresses",
    "outbox",
    "password_resets",
    "stripe_customers",
    "tenant_slugs",
    "user_sessions",
    "users",
}


@pytest.fixture(scope="module", name="settings")
def fixture_settings(shop, stripe_sandbox):
    """One database for all of these: they look, are refused, or keep to tenants of their own."""
    with database.cloned(shop) as name:
        yield config.load(database.environment(name, **stripe_sandbox.environment()))


@pytest.fixture(scope="module", name="engines")
def fixture_engines(settings):
    engines = {role: create_engine(settings.role_url(role)) for role in ("owner", "web", "worker", "staff", "reader")}
    yield engines
    for engine in engines.values():
        engine.dispose()


def rows(engine, sql, **params):
    with engine.connect() as connection:
        return connection.execute(text(sql), params).all()


def act(engine, tenant_id, statement, **params):
    """Run one statement with a tenant bound and commit it."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SET LOCAL app.tenant_id = '{tenant_id}'")
        return connection.execute(text(statement), params)


def tenant_tables(engines):
    """Partitions are not among them: they have tests of their own."""
    found = rows(
        engines["owner"],
        """SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
           AND relnamespace = 'public'::regnamespace""",
    )
    return {row.relname for row in found} - set(PLATFORM)


def test_a_partition_lets_nobody_past_its_table(engines, settings):
    """Policies of the table hold for who asks the table; the partition itself is closed, but for pg_dump."""
    found = rows(
        engines["owner"],
        """SELECT relname, relrowsecurity AND relforcerowsecurity AS forced, array_agg(DISTINCT grantee::text) AS who
           FROM pg_class JOIN information_schema.role_table_grants ON table_name = relname
           WHERE relispartition AND relkind = 'r' GROUP BY 1, 2""",
    )
    owner = settings.role_url("owner").username
    assert len(found) > 8
    assert [row for row in found if not row.forced or {*row.who} != {owner, settings.role_name("backup")}] == []


def test_every_tenant_table_forces_row_level_security(engines):
    found = {
        row.relname: row.relrowsecurity and row.relforcerowsecurity
        for row in rows(engines["owner"], "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class")
    }
    assert [name for name in tenant_tables(engines) | FORCED_TOO if not found[name]] == []


def test_every_policy_of_a_tenant_table_names_the_bound_tenant(engines, settings):
    """USING on what is read or changed, WITH CHECK on what is written; other roles only read."""
    writers = {settings.role_name("web"), settings.role_name("worker")}
    policies = rows(engines["owner"], "SELECT tablename, policyname, roles, cmd, qual, with_check FROM pg_policies")
    bound = "NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid"
    of_users = {"memberships_own", "tenants_of_user"}
    faults = []
    for policy in policies:
        if policy.tablename not in tenant_tables(engines) or policy.policyname in of_users:
            continue
        if not writers & set(policy.roles):
            if policy.cmd != "SELECT":
                faults.append((policy.policyname, "writes for another role"))
            continue
        if policy.cmd != "INSERT" and bound not in (policy.qual or ""):
            faults.append((policy.policyname, "USING"))
        if policy.cmd in ("INSERT", "UPDATE", "ALL") and bound not in (policy.with_check or ""):
            faults.append((policy.policyname, "WITH CHECK"))
    assert faults == []
    assert {policy.tablename for policy in policies} >= tenant_tables(engines)


def test_keys_of_tenant_tables_begin_with_the_tenant(engines):
    found = rows(
        engines["owner"],
        """SELECT i.indrelid::regclass::text AS tab, i.indexrelid::regclass::text AS idx, a.attname
           FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
           WHERE i.indisunique AND i.indrelid::regclass::text = ANY(:tables)""",
        tables=sorted(tenant_tables(engines)),
    )
    assert found
    wrong = [(row.tab, row.idx) for row in found if row.attname != "tenant_id" and row.tab != "tenants"]
    assert wrong == []


def test_foreign_keys_between_tenant_tables_carry_the_tenant(engines):
    found = rows(
        engines["owner"],
        """SELECT conname, conrelid::regclass::text AS tab, confrelid::regclass::text AS target,
                  (SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute
                   WHERE attrelid = conrelid AND attnum = ANY(conkey)) AS columns
           FROM pg_constraint WHERE contype = 'f'""",
    )
    mine = tenant_tables(engines)
    wrong = [row for row in found if row.tab in mine and row.target in mine and "tenant_id" not in row.columns]
    assert wrong == []


def test_roles_of_the_running_portal_own_nothing_and_bypass_nothing(engines, settings):
    running = [settings.role_name(role) for role in ("web", "worker", "staff", "reader", "lookup")]
    power = rows(
        engines["owner"],
        """SELECT rolname FROM pg_roles WHERE rolname = ANY(:names)
           AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)""",
        names=running,
    )
    owned = rows(
        engines["owner"],
        "SELECT relname FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = ANY(:names)",
        names=running,
    )
    truncate = rows(
        engines["owner"],
        """SELECT table_name FROM information_schema.role_table_grants
           WHERE grantee = ANY(:names) AND privilege_type IN ('TRUNCATE', 'TRIGGER', 'REFERENCES')""",
        names=running,
    )
    members = rows(
        engines["owner"],
        "SELECT 1 FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = ANY(:names)",
        names=running,
    )
    assert (power, owned, truncate, members) == ([], [], [], [])


def test_nothing_runs_behind_our_back(engines):
    """But for versions of terms, which are kept whoever writes these."""
    triggers = rows(engines["owner"], "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
    views = rows(
        engines["owner"],
        "SELECT relname FROM pg_class WHERE relkind IN ('v', 'm') AND relnamespace = 'public'::regnamespace",
    )
    assert ([row.tgname for row in triggers], views) == (["plan_resources_keep_terms", "plans_keep_terms"], [])


# Only who owns a table can give it a partition; nobody else writes versions of terms.
OWNERS_OWN = {"make_usage_partition", "retire_usage_partition", "keep_terms", "keep_terms_of_limits"}


def test_definer_functions_belong_to_the_lookup_role_and_pin_their_path(engines, settings):
    found = rows(
        engines["owner"],
        """SELECT proname, rolname, proconfig FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
           WHERE prosecdef AND pronamespace = 'public'::regnamespace""",
    )
    assert found
    for function in found:
        is_owners = function.rolname != settings.role_name("lookup")
        assert is_owners == (function.proname in OWNERS_OWN), function.proname
        assert any(entry.startswith("search_path=") for entry in function.proconfig), function.proname


@pytest.mark.parametrize("role", ["web", "worker"])
def test_without_a_tenant_nothing_is_seen(engines, web, role):
    make_tenant()
    for table in sorted(tenant_tables(engines)):
        assert rows(engines[role], f"SELECT 1 FROM {table}") == [], table  # noqa: S608


def test_another_tenants_rows_are_neither_seen_nor_written(engines, web):
    mine, theirs = make_tenant(), make_tenant()
    assert act(engines["web"], mine, "UPDATE tenants SET name = 'x' WHERE id = :id", id=theirs).rowcount == 0
    assert act(engines["web"], mine, "UPDATE tenants SET name = 'x'").rowcount == 1
    with pytest.raises(ProgrammingError, match="row-level security"):
        act(engines["web"], mine, "INSERT INTO customers (tenant_id) VALUES (:id)", id=theirs)
    with pytest.raises(ProgrammingError, match="row-level security"):
        act(engines["web"], mine, "UPDATE tenants SET id = :other", other=uuid4())


INVOICE = """
INSERT INTO invoices (tenant_id, id, stripe_invoice_id, status, currency, subtotal_minor, total_minor,
  amount_due_minor, amount_paid_minor, amount_remaining_minor, created_at)
VALUES (:tenant, :id, 'in_theirs', 'open', 'usd', 1, 1, 1, 0, 1, now())"""
PAYMENT = """
INSERT INTO payments (tenant_id, id, invoice_id, stripe_invoice_payment_id, status, amount_minor, currency, created_at)
VALUES (:tenant, :id, :invoice, 'inpay_1', 'paid', 1, 'usd', now())"""


def test_a_foreign_key_into_another_tenant_is_refused(engines, web):
    mine, theirs = make_tenant(), make_tenant()
    invoice_id = uuid7()
    act(engines["worker"], theirs, INVOICE, tenant=theirs, id=invoice_id)
    act(engines["worker"], theirs, PAYMENT, tenant=theirs, id=uuid7(), invoice=invoice_id)
    with pytest.raises(IntegrityError, match="foreign key"):
        act(engines["worker"], mine, PAYMENT, tenant=mine, id=uuid7(), invoice=invoice_id)


HOSTILE = [
    "SELECT * FROM stripe_events",
    "SELECT * FROM stripe_objects",
    "SELECT * FROM login_attempts",
    "SELECT * FROM email_addresses",
    "SELECT * FROM staff_members",
    "INSERT INTO staff_members VALUES (gen_random_uuid(), 'admin')",
    "UPDATE plans SET price_monthly = 0",
    "UPDATE plan_prices SET unit_amount_minor = 0",
    "UPDATE plan_resource_versions SET included = 0",
    "UPDATE subscriptions SET status = 'active'",
    "UPDATE invoices SET total_minor = 0",
    "DELETE FROM invoices",
    "INSERT INTO invoice_documents DEFAULT VALUES",
    "UPDATE invoice_documents SET content = ''",
    "DELETE FROM invoice_documents",
    "UPDATE audit_entries SET verb = 'x'",
    "DELETE FROM audit_entries",
    "TRUNCATE audit_entries",
    "DELETE FROM outbox",
    "UPDATE outbox SET payload = '{}'",
    "UPDATE stripe_objects SET wanted = 0",
    "UPDATE installation SET money_stopped_at = NULL",
    "ALTER TABLE tenants DISABLE ROW LEVEL SECURITY",
    "DROP POLICY tenants_web_select ON tenants",
    "CREATE TABLE mine (x int)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "COPY tenants TO PROGRAM 'cat'",
    "SET ROLE pg_read_all_data",
    "SELECT pg_read_file('/etc/passwd')",
]


@pytest.mark.parametrize("statement", HOSTILE)
def test_the_web_role_may_not(engines, web, statement):
    tenant_id = make_tenant()
    with pytest.raises(DBAPIError, match=r"permission denied|must be owner|must be superuser"):
        act(engines["web"], tenant_id, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO stripe_customers VALUES ('cus_x', :theirs)",
        "INSERT INTO drift_findings (id, tenant_id, kind, object_id) VALUES (gen_random_uuid(), :theirs, 'x', 'y')",
        "INSERT INTO tenant_slugs VALUES ('taken', :theirs)",
        "INSERT INTO outbox (id, tenant_id, kind, key) VALUES (gen_random_uuid(), :theirs, 'mail.send', 'x')",
        "INSERT INTO outbox (id, tenant_id, kind, key) VALUES (gen_random_uuid(), :mine, 'subscription.end', 'x')",
    ],
)
def test_the_web_role_names_no_other_tenant_and_owes_no_refund(engines, web, statement):
    mine, theirs = make_tenant(), make_tenant()
    names = {name: value for name, value in (("mine", mine), ("theirs", theirs)) if f":{name}" in statement}
    with pytest.raises(ProgrammingError, match="row-level security"):
        act(engines["web"], mine, statement, **names)


def test_staff_read_everything_and_write_nothing(engines, web):
    tenant_id = make_tenant()
    assert (tenant_id,) in [tuple(row) for row in rows(engines["staff"], "SELECT id FROM tenants")]
    grants = rows(
        engines["owner"],
        """SELECT table_name, privilege_type FROM information_schema.role_table_grants
           WHERE grantee LIKE :suffix AND privilege_type <> 'SELECT'""",
        suffix="%\\_staff",
    )
    assert grants == []
    with pytest.raises(ProgrammingError, match="permission denied"):
        rows(engines["staff"], "SELECT password_hash FROM users")
