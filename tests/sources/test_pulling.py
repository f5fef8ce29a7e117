"""Links are measured every hour and recorded once; what cannot be measured records nothing and is told."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from portal import clock, tenancy
from portal.sources import connections, expiring, links, pulling, sampling
from portal.sources.base import Measured, Thing
from portal.sources.connections import Draft
from portal.sources.errors import AlreadyLinked, ElsewhereLinked, SourceError, UnknownTenant
from portal.usage import verify
from sandbox.outside.netbox import tokens
from sandbox.outside.odoo.seeding import ADMIN_KEY
from tests.pages import rows
from tests.sources.conftest import ACME
from tests.support import database, people
from tests.support.shopping import make_tenant

EVENTS = """SELECT resource_type, quantity, source, counted_at, event_id FROM usage_events
    WHERE tenant_id = :tenant ORDER BY resource_type, id"""


@pytest.fixture(name="keeper")
def fixture_keeper(web):
    return people.staff("finance").user_id


@pytest.fixture(name="at_netbox")
def fixture_at_netbox(box, keeper):
    """A NetBox with Acme and Globex; its source and the ids of both there."""
    made = box.post("netbox/objects", **ACME)
    source_id = connections.create("netbox", Draft("NetBox", f"{box.url}/netbox", tokens.READ), actor=keeper)
    return source_id, [str(each) for each in made["tenants"]]


@pytest.fixture(name="at_odoo")
def fixture_at_odoo(box, keeper):
    box.post("odoo/records", **{"res.partner": [{"name": "Somebody"}]})
    return connections.create("odoo", Draft("Odoo", f"{box.url}/odoo", ADMIN_KEY), actor=keeper)


@pytest.fixture(name="pull")
def fixture_pull(settings, worker, drain):
    """All links' measurement of an hour, by default of another one each time."""
    hours = iter(range(1, 100))

    def run(hour=None):
        begun = clock.now().replace(minute=0, second=0) - timedelta(hours=next(hours) if hour is None else hour)
        with rows.written(settings) as session:
            found = session.execute(rows.select(rows.UsageSourceLink.tenant_id, rows.UsageSourceLink.id)).all()
        with worker.app_context(), tenancy.bound():
            for tenant_id, link_id in found:
                pulling.owe(tenant_id, link_id, begun)
            pulling.db.session.commit()
        return drain()

    return run


def events_of(settings, tenant_id):
    return database.as_owner(settings, EVENTS, tenant=tenant_id)


def link_of(settings, tenant_id):
    (row,) = database.as_owner(
        settings, "SELECT * FROM usage_source_links WHERE tenant_id = :tenant AND removed_at IS NULL", tenant=tenant_id
    )
    return row


def findings_of(settings):
    return {
        (row["kind"], row["details"].get("code"), row["resolved_at"] is None)
        for row in database.as_owner(settings, "SELECT kind, details, resolved_at FROM drift_findings")
    }


def test_a_linked_tenant_is_measured_and_only_it(settings, at_netbox, keeper, tenant, drain):
    source_id, (acme, _) = at_netbox
    other = make_tenant()
    links.link(source_id, tenant, acme, actor=keeper)
    drain()
    found = {row["resource_type"]: row["quantity"] for row in events_of(settings, tenant)}
    assert found == {
        "netbox_devices": 5, "netbox_vms": 2, "netbox_ips": 4, "netbox_prefixes": 1, "netbox_vcpus": 5,
        "netbox_memory_gb": 8, "netbox_disk_gb": 41,
    }  # fmt: skip
    assert {row["source"] for row in events_of(settings, tenant)} == {"NetBox"}
    assert events_of(settings, other) == []
    link = link_of(settings, tenant)
    assert (link["state"], link["figures"]["netbox_devices"]) == ("linked", "5")
    with tenancy.bound(tenant):
        assert verify.differences() == []


def test_an_hour_counts_once_however_often_it_is_done(settings, at_netbox, keeper, tenant, drain, pull, box):
    source_id, (acme, _) = at_netbox
    links.link(source_id, tenant, acme, actor=keeper)
    drain()
    pull(0)  # the hour that the link has measured already
    assert len(events_of(settings, tenant)) == 7
    box.post("netbox/objects", devices=[{"tenant": "acme", "count": 2}])
    pull()
    devices = [row["quantity"] for row in events_of(settings, tenant) if row["resource_type"] == "netbox_devices"]
    assert devices == [5, 7]


def test_every_link_is_owed_once_an_hour_and_at_its_own_moment(settings, at_netbox, keeper, worker, drain, monkeypatch):
    source_id, (acme, globex) = at_netbox
    for external_id in (acme, globex):
        links.link(source_id, make_tenant(), external_id, actor=keeper)
    begun = clock.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    monkeypatch.setattr("portal.clock.now", lambda: begun)
    with worker.app_context():
        assert [pulling.owe_all() for _ in range(3)] == [2, 2, 2]
    owed = database.as_owner(settings, "SELECT key, next_at FROM outbox WHERE kind = 'source.pull' AND done_at IS NULL")
    later = [row for row in owed if begun.isoformat() in row["key"]]
    assert len(later) == 2
    assert later[0]["next_at"] != later[1]["next_at"]
    connections.archive(source_id, actor=keeper)
    with worker.app_context():
        assert pulling.owe_all() == 0


def test_orders_and_invoices_count_once_for_ever(settings, at_odoo, keeper, tenant, drain, pull, box):
    links.link(at_odoo, tenant, "1", actor=keeper)
    drain()
    assert "odoo_orders" not in {row["resource_type"] for row in events_of(settings, tenant)}
    today = datetime.now(UTC).date()
    database.as_owner(settings, "UPDATE usage_source_links SET counts_from = :day RETURNING 1", day=today)
    order = {"partner_id": 1, "state": "sale", "date_order": f"{today} 00:00:30", "company_id": 1}
    made = box.post("odoo/records", **{"sale.order": [{**order, "count": 3}, {**order, "state": "draft"}]})
    for _ in range(3):
        pull()
    orders = [row for row in events_of(settings, tenant) if row["resource_type"] == "odoo_orders"]
    assert [row["quantity"] for row in orders] == [1, 1, 1]
    assert {row["counted_at"] for row in orders} == {datetime(today.year, today.month, today.day, 0, 0, 30, tzinfo=UTC)}
    assert len(made["sale.order"]) == 4
    box.post("odoo/records", **{"sale.order": [order]})
    pull()
    assert len([row for row in events_of(settings, tenant) if row["resource_type"] == "odoo_orders"]) == 4
    with tenancy.bound(tenant):
        assert verify.differences() == []


@pytest.mark.parametrize("spoil", ["hidden", "unknown", "refused"])
def test_what_cannot_be_measured_records_nothing_and_is_told(
    settings, at_netbox, keeper, tenant, drain, pull, box, spoil
):
    source_id, (acme, _) = at_netbox
    links.link(source_id, tenant, acme, actor=keeper)
    drain()
    before = events_of(settings, tenant)
    every = dict.fromkeys(("tenancy.tenant", "ipam.ipaddress", "ipam.prefix", "virtualization.virtualmachine"))
    keys = {"hidden": {"permissions": {**every, "dcim.device": {"id__in": [1]}}}, "refused": {"enabled": False}}
    if spoil == "unknown":
        database.as_owner(settings, "UPDATE usage_source_links SET external_id = '4711' RETURNING 1")
    else:
        key = box.post("netbox/tokens", **keys[spoil])["token"]
        connections.change(source_id, Draft("NetBox", f"{box.url}/netbox", key), actor=keeper)
    pull()
    codes = {
        "hidden": ("failing", "source_counts_disagree", "usage_source_failing"),
        "unknown": ("unlinked", "source_unknown_tenant", "usage_source_unlinked"),
        "refused": ("failing", "source_key_refused", "usage_source_failing"),
    }
    state, code, finding = codes[spoil]
    link = link_of(settings, tenant)
    assert (link["state"], link["error_code"]) == (state, code)
    assert events_of(settings, tenant) == before
    assert findings_of(settings) == {(finding, code, True)}
    # Mended, it is recorded again, and nobody has to look any more.
    database.as_owner(settings, "UPDATE usage_source_links SET external_id = :acme RETURNING 1", acme=acme)
    connections.change(source_id, Draft("NetBox", f"{box.url}/netbox", tokens.READ), actor=keeper)
    pull()
    assert link_of(settings, tenant)["state"] == "linked"
    assert findings_of(settings) == {(finding, code, False)}
    assert len(events_of(settings, tenant)) == 14


def test_a_source_that_is_away_is_told_of_when_it_stays_away(settings, at_netbox, keeper, tenant, drain, pull, box):
    source_id, (acme, _) = at_netbox
    links.link(source_id, tenant, acme, actor=keeper)
    box.post("netbox/mood", mode="503")
    drain()
    assert link_of(settings, tenant)["error_code"] == "source_unreachable"
    assert findings_of(settings) == set()
    database.as_owner(settings, "UPDATE usage_source_links SET failing_since = now() - interval '4 hours' RETURNING 1")
    pull()
    assert findings_of(settings) == {("usage_source_failing", "source_unreachable", True)}


def test_a_removed_link_and_an_archived_source_are_left_alone(settings, at_netbox, keeper, tenant, drain, pull):
    source_id, (acme, _) = at_netbox
    link_id = links.link(source_id, tenant, acme, actor=keeper)
    connections.archive(source_id, actor=keeper)
    drain()
    connections.restore(source_id, actor=keeper)
    assert links.remove(link_id, actor=keeper) == links.remove(link_id, actor=keeper) == source_id
    pull()
    assert events_of(settings, tenant) == []


def test_whom_a_link_refuses(at_netbox, keeper, tenant):
    source_id, (acme, globex) = at_netbox
    links.link(source_id, tenant, acme, actor=keeper)
    with pytest.raises(AlreadyLinked):
        links.link(source_id, tenant, globex, actor=keeper)
    with pytest.raises(ElsewhereLinked):
        links.link(source_id, make_tenant(), acme, actor=keeper)
    with pytest.raises(UnknownTenant):
        links.link(source_id, make_tenant(), "4711", actor=keeper)
    looker = people.staff("support").user_id
    with pytest.raises(Exception, match="not_found"):
        links.link(source_id, make_tenant(), globex, actor=looker)


def test_the_key_is_encrypted_and_nowhere_else(settings, at_netbox, keeper, box):
    source_id, _ = at_netbox
    (row,) = database.as_owner(settings, "SELECT * FROM usage_sources")
    assert tokens.READ not in str(row)
    connection = connections.connection_of(connections.get(source_id, actor=keeper))
    assert connection.secret == tokens.READ
    assert tokens.READ not in repr(connection)
    said = database.as_owner(settings, "SELECT before, after FROM audit_entries WHERE verb LIKE 'source.%'")
    assert said
    assert tokens.READ not in str(said)
    connections.change(source_id, Draft("NetBox", f"{box.url}/netbox", tokens.READ_V1), actor=keeper)
    said = database.as_owner(settings, "SELECT after FROM audit_entries WHERE verb = 'source.change'")
    assert said == [{"after": {"secret": "changed"}}]


def test_a_key_that_ends_is_told_once_and_settled_when_replaced(settings, at_netbox, keeper, worker, drain, box):
    source_id, _ = at_netbox

    def looked(days):
        ends_at = clock.now().replace(microsecond=0) + timedelta(days=days)
        draft = Draft("NetBox", f"{box.url}/netbox", key_expires_at=ends_at)
        connections.change(source_id, draft, actor=keeper)
        for _ in range(2):
            with worker.app_context():
                expiring.look()
            drain()
        found = database.as_owner(settings, "SELECT kind, object_id, resolved_at FROM drift_findings ORDER BY id")
        return [(row["kind"], row["object_id"], row["resolved_at"] is None) for row in found]

    assert looked(15) == []
    assert looked(13) == [("usage_source_key_ends", str(source_id), True)]
    database.as_owner(settings, "UPDATE drift_findings SET resolved_at = now() RETURNING 1")
    with worker.app_context():
        expiring.look()
    drain()
    assert len(database.as_owner(settings, "SELECT 1 FROM drift_findings")) == 1, "told once"
    assert looked(5)[1:] == [("usage_source_key_ends", str(source_id), True)]
    assert [row[2] for row in looked(80)] == [False, False]


def test_odoo_says_itself_when_a_key_ends(settings, box, keeper, worker, drain):
    ends_at = (clock.now() + timedelta(days=9)).replace(microsecond=0)
    user = {"name": "S", "login": "soon", "key": "e" * 40, "key_expires": f"{ends_at:%Y-%m-%d %H:%M:%S}"}
    box.post("odoo/records", users=[user])
    source_id = connections.create("odoo", Draft("Odoo", f"{box.url}/odoo", "e" * 40), actor=keeper)
    for _ in range(2):
        with worker.app_context():
            expiring.look()
        drain()
    (source,) = database.as_owner(settings, "SELECT * FROM usage_sources")
    assert (source["key_expires_at"], source["test_outcome"], source["version"]) == (ends_at, "ok", "19.0")
    (finding,) = database.as_owner(settings, "SELECT kind, object_id, details FROM drift_findings")
    assert (finding["kind"], finding["object_id"]) == ("usage_source_key_ends", str(source_id))
    assert finding["details"] == {"name": "Odoo", "ends_at": ends_at.isoformat()}


def test_a_day_on_which_a_source_does_not_answer(settings, at_netbox, keeper, worker, drain, box):
    box.post("netbox/mood", mode="503")
    with worker.app_context():
        expiring.look()
    drain()
    assert database.as_owner(settings, "SELECT test_outcome FROM usage_sources") == [
        {"test_outcome": "source_unreachable"}
    ]
    assert database.as_owner(settings, "SELECT 1 FROM outbox WHERE dead_at IS NOT NULL") == []


HOUR = datetime(2026, 11, 3, 8, tzinfo=UTC)
measurements = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 50), st.sets(st.integers(1, 8))), min_size=1, max_size=12
)


@tried(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tries=measurements)
def test_pulls_in_any_order_and_as_often_as_one_likes_count_once(settings, web, tries):
    """A try is an hour, a height and the orders that were seen; hours come again, as after a worker's end."""
    tenant_id, link_id = make_tenant(), rows.uuid7()
    first = {}
    with tenancy.bound(tenant_id):
        for hour, height, orders in tries:
            things = [Thing(str(order), HOUR) for order in sorted(orders)]
            measured = Measured({"odoo_users": Decimal(height)}, {"odoo_orders": things})
            sampling.record(link_id, "Odoo", measured, hour=HOUR + timedelta(hours=hour), now=clock.now())
            first.setdefault(hour, height)
        assert verify.differences() == []
    found = events_of(settings, tenant_id)
    assert sorted(row["quantity"] for row in found if row["resource_type"] == "odoo_users") == sorted(first.values())
    counted = sum(row["quantity"] for row in found if row["resource_type"] == "odoo_orders")
    assert counted == len(set().union(*(orders for _, _, orders in tries)))
    totals = database.as_owner(
        settings,
        "SELECT resource_type, sum(total) AS total, max(highest) AS highest FROM usage_rollups"
        " WHERE tenant_id = :tenant AND grain = 'period' GROUP BY 1",
        tenant=tenant_id,
    )
    sums = {row["resource_type"]: row for row in totals}
    assert sums["odoo_users"]["highest"] == max(first.values())
    assert counted == (sums["odoo_orders"]["total"] if "odoo_orders" in sums else 0)


def test_a_date_to_count_from_is_tomorrow(settings, at_odoo, keeper, tenant):
    links.link(at_odoo, tenant, "1", actor=keeper)
    assert link_of(settings, tenant)["counts_from"] == datetime.now(UTC).date() + timedelta(days=1)
    assert isinstance(link_of(settings, tenant)["counts_from"], date)


def test_a_source_that_fails_says_so_when_tested(settings, at_netbox, keeper, box):
    source_id, _ = at_netbox
    assert connections.test(source_id, actor=keeper).version == "4.6"
    box.post("netbox/mood", mode="503")
    with pytest.raises(SourceError):
        connections.test(source_id, actor=keeper)
    (row,) = database.as_owner(settings, "SELECT test_outcome, version FROM usage_sources")
    assert (row["test_outcome"], row["version"]) == ("source_unreachable", "4.6")
