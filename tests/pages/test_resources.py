"""Staff define what is metered; tenants' reports follow at once; others only look."""

import json

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import tenancy
from portal.extensions import db
from portal.models import AuditEntry, Resource
from portal.usage import ingest
from tests.support import html, people
from tests.support.shopping import make_tenant

PAGE = "/staff/resources"
STORAGE = f"{PAGE}/storage_gb"
NEW = {
    "resource_type": "builds", "aggregation": "sum", "name_en": "Builds", "name_es": "Compilaciones",
    "name_pt_BR": "", "unit": "min", "decimals": "2", "position": "7",
}  # fmt: skip


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return people.browser(app, people.staff("finance"))


def report(app, resource_type, **more):
    tenant_id = make_tenant()
    with tenancy.bound(tenant_id):
        return ingest.record(json.dumps([{"resource_type": resource_type, "quantity": 1, **more}]))


def test_a_new_one_can_be_reported_at_once(app, keeper, write):
    assert report(app, "builds").reasons == {0: "unknown_resource"}
    assert keeper.send(PAGE, PAGE, **NEW).status_code == 303
    row = write.get(Resource, "builds")
    assert (row.aggregation, row.unit, row.decimals, row.position) == ("sum", "min", 2, 7)
    assert row.names == {"en": "Builds", "es": "Compilaciones"}
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "resource.create")).one()
    assert (entry.tenant_id, entry.object_id, entry.actor_kind) == (tenancy.PLATFORM, "builds", "staff")
    assert report(app, "builds", unit="min").status(0) == "accepted"
    assert "Builds" in html.page(keeper.get(PAGE)).text
    with keeper.session_transaction():
        keeper.send("/language", PAGE, language="es")
    assert "Compilaciones" in keeper.get(PAGE).text


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"resource_type": "Builds"}, 422, "A code has 1 to 63"),
        ({"resource_type": ""}, 422, "A code has 1 to 63"),
        ({"resource_type": "x" * 64}, 422, "A code has 1 to 63"),
        ({"resource_type": "1st"}, 422, "A code has 1 to 63"),
        ({"resource_type": "api_calls"}, 409, "There is a resource with this code already"),
        ({"aggregation": "mean"}, 422, "Not a valid choice"),
        ({"name_en": " "}, 422, "the English one is needed"),
        ({"name_es": "x" * 61}, 422, "at most 60 characters"),
        ({"name_en": "a\x00"}, 422, "characters that cannot be shown"),
        ({"unit": "x" * 21}, 422, "at most 20 characters"),
        ({"decimals": "10"}, 422, "0 to 9 decimals"),
        ({"decimals": "-1"}, 422, "0 to 9 decimals"),
        ({"decimals": ""}, 422, "Enter a whole number."),
        ({"position": "99999999999999999999"}, 422, "from 0 to 9,999"),
    ],
)
def test_what_makes_no_resource(keeper, write, change, status, sentence):
    before = write.scalars(select(Resource.resource_type)).all()
    answer = keeper.send(PAGE, PAGE, **{**NEW, **change})
    assert sentence in html.page(answer, status).text
    assert write.scalars(select(Resource.resource_type)).all() == before


def test_its_looks_change_and_what_sums_were_made_by_does_not(app, keeper, write):
    form = html.page(keeper.get(STORAGE)).form(STORAGE).fields()
    sent = {**form, "name_en": "Disk", "unit": "GiB", "aggregation": "sum", "resource_type": "other"}
    assert keeper.post(STORAGE, data=sent).status_code == 303
    row = write.get(Resource, "storage_gb")
    assert (row.names["en"], row.names["es"], row.unit, row.aggregation) == ("Disk", "Almacenamiento", "GiB", "max")
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "resource.change")).one()
    assert (entry.before["unit"], entry.after["unit"]) == ("GB", "GiB")
    assert report(app, "storage_gb", unit="GB").reasons == {0: "other_unit"}
    page = html.page(keeper.get(STORAGE))
    assert "the highest report" in page.text
    assert "sums and bills that are there were made by them" in page.text


def test_the_same_again_is_no_change(keeper, write):
    keeper.post(STORAGE, data=html.page(keeper.get(STORAGE)).form(STORAGE).fields())
    assert write.scalars(select(AuditEntry).where(AuditEntry.verb == "resource.change")).all() == []


@pytest.mark.parametrize("change", [{"name_en": ""}, {"decimals": "ten"}, {"unit": "x" * 50}])
def test_looks_that_are_none(keeper, write, change):
    form = html.page(keeper.get(STORAGE)).form(STORAGE).fields()
    html.page(keeper.post(STORAGE, data={**form, **change}), 422)
    assert write.get(Resource, "storage_gb").unit == "GB"


def test_archived_and_restored(app, keeper, write):
    for _ in range(2):
        assert keeper.send(f"{STORAGE}/archive", PAGE).status_code == 303
    assert report(app, "storage_gb").reasons == {0: "unknown_resource"}
    assert "Archived" in html.page(keeper.get(PAGE)).text
    assert "Archived" in html.page(keeper.get(STORAGE)).text
    for _ in range(2):
        assert keeper.send(f"{STORAGE}/restore", PAGE).status_code == 303
    assert report(app, "storage_gb").status(0) == "accepted"
    verbs = write.scalars(select(AuditEntry.verb).where(AuditEntry.object_id == "storage_gb")).all()
    assert sorted(verbs) == ["resource.archive", "resource.restore"]


def test_one_that_nobody_has(keeper):
    for path in (f"{PAGE}/nope", f"{PAGE}/nope/archive", f"{PAGE}/nope/restore"):
        assert keeper.send(path, PAGE, **NEW).status_code == 404
    assert keeper.get(f"{PAGE}/nope").status_code == 404


def test_others_only_look(app):
    looker = people.browser(app, people.staff("support"))
    for page in (PAGE, STORAGE):
        buttons = [button.text for button in html.page(looker.get(page)).all("button")]
        assert not {"Save", "Make the resource", "Archive"} & set(buttons)


def test_the_database_asks_who_it_is(app):
    for person in (people.staff("support"), people.member()):
        with tenancy.bound(person.tenant_id or tenancy.PLATFORM, user_id=person.user_id):
            assert db.session.execute(text("UPDATE resources SET position = 99")).rowcount == 0
            with pytest.raises(DBAPIError):
                db.session.execute(text("INSERT INTO resources (resource_type, aggregation, names)"
                                        " VALUES ('mine', 'sum', '{}')"))  # fmt: skip
    for statement in ("UPDATE resources SET aggregation = 'sum'", "DELETE FROM resources"):
        with tenancy.bound(tenancy.PLATFORM, user_id=people.staff("admin").user_id), pytest.raises(DBAPIError):
            db.session.execute(text(statement))
