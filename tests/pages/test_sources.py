"""Staff enter sources, test them and link tenants; the figures are seen before; others only look."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import tenancy
from portal.extensions import db
from portal.models import AuditEntry, UsageSource, UsageSourceLink
from sandbox.outside.netbox import tokens
from sandbox.outside.odoo.seeding import BOT_KEY
from tests.sources.conftest import ACME, fixture_box  # noqa: F401  (a fixture)
from tests.support import html, people
from tests.support.shopping import make_tenant

PAGE = "/staff/sources"


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return people.browser(app, people.staff("finance"))


@pytest.fixture(name="new")
def fixture_new(box):
    return {"kind": "netbox", "name": "Main NetBox", "base_url": f"{box.url}/netbox/", "secret": tokens.READ}


def entered(keeper, new, **change):
    answer = keeper.send(PAGE, PAGE, **{**new, **change})
    assert answer.status_code == 303, html.page(answer, answer.status_code).text
    return answer.location


def linked(keeper, link, tenant_id, external_id):
    """Press "Link" below the figures of that choice."""
    choice = {"tenant_id": tenant_id, "external_id": external_id}
    return keeper.send(link, link, **choice, seen=f"{tenant_id} {external_id}", act="link")


def test_entered_tested_seen_and_linked(app, box, keeper, new, write, drain):
    there, _ = map(str, box.post("netbox/objects", **ACME)["tenants"])
    tenant_id = make_tenant("Acme Limited")
    assert "No sources yet." in html.page(keeper.get(PAGE)).text
    source = entered(keeper, new)
    row = write.scalars(select(UsageSource)).one()
    assert (row.name, row.base_url) == ("Main NetBox", f"{box.url}/netbox")
    page = keeper.get(source)
    assert tokens.READ not in page.text
    assert row.secret not in page.text
    assert "Not tested" in html.page(page).text
    assert keeper.send(f"{source}/test", source).location == source
    assert "It answers: version 4.6." in html.page(keeper.get(source)).text
    link = f"{source}/link"
    choice = {"tenant_id": str(tenant_id), "external_id": there, "seen": f"{tenant_id} {there}"}
    seen = html.page(keeper.send(link, link, **choice, act="test")).text
    assert "What would be recorded of Acme (acme)" in seen
    assert "41 GB" in seen
    assert write.scalars(select(UsageSourceLink)).all() == []
    assert keeper.send(link, link, **choice, act="link").status_code == 303
    assert "Waits for its first measurement" in html.page(keeper.get(source)).text
    drain()
    shown = html.page(keeper.get(source)).text
    assert "Acme Limited" in shown
    assert "Recorded" in shown
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "source.link")).one()
    assert (entry.tenant_id, entry.actor_kind, entry.after["external_id"]) == (tenant_id, "staff", there)
    made = write.scalars(select(AuditEntry).where(AuditEntry.verb == "source.create")).one()
    assert (made.tenant_id, "secret" in made.after) == (tenancy.PLATFORM, False)
    linked = write.scalars(select(UsageSourceLink)).one()
    for _ in range(2):
        assert keeper.send(f"{PAGE}/links/{linked.id}/remove", source).location == source
    assert "No tenant is linked." in html.page(keeper.get(source)).text


@pytest.mark.parametrize(
    ("change", "status", "sentence"),
    [
        ({"name": " "}, 422, "A name has 1 to 60 characters."),
        ({"name": "x" * 61}, 422, "A name has 1 to 60 characters."),
        ({"name": "a\x00"}, 422, "characters that cannot be shown"),
        ({"kind": "sap"}, 422, "Not a valid choice"),
        ({"base_url": "netbox.example.com"}, 422, "Enter an address such as"),
        ({"base_url": "ftp://netbox.example.com"}, 422, "Enter an address such as"),
        ({"base_url": "https://user:pass@netbox.example.com"}, 422, "Enter an address such as"),
        ({"base_url": "https://netbox.example.com/?a=b"}, 422, "Enter an address such as"),
        ({"base_url": "https://netbox.example.com:99999"}, 422, "Enter an address such as"),
        ({"base_url": "https://[::1"}, 422, "Enter an address such as"),
        ({"base_url": "http://netbox.example.com"}, 422, "Use https."),
        ({"secret": ""}, 422, "Enter the key"),
        ({"secret": "two words"}, 422, "Enter the key"),
        ({"key_expires_on": "soon"}, 422, "Not a valid date value"),
        ({"kind": "odoo", "odoo_login": "admin"}, 422, "both database and login are needed"),
    ],
)
def test_what_makes_no_source(keeper, new, write, change, status, sentence):
    answer = keeper.send(PAGE, PAGE, **{**new, **change})
    assert sentence in html.page(answer, status).text
    assert tokens.READ not in answer.text
    assert write.scalars(select(UsageSource)).all() == []


def test_a_name_is_taken_once(keeper, new):
    entered(keeper, new)
    assert "There is a source with this name already" in html.page(keeper.send(PAGE, PAGE, **new), 409).text


def test_the_key_stays_unless_it_is_entered_and_never_goes_elsewhere(keeper, new, write):
    source = entered(keeper, new)
    kept = write.scalars(select(UsageSource.secret)).one()
    form = html.page(keeper.get(source)).form(source).fields()
    assert form["secret"] == ""
    changed = {**form, "name": "Other name", "key_expires_on": "2026-12-31"}
    assert keeper.post(source, data=changed).status_code == 303
    row = write.scalars(select(UsageSource).execution_options(populate_existing=True)).one()
    assert (row.name, row.key_expires_at.date().isoformat(), row.secret) == ("Other name", "2026-12-31", kept)
    elsewhere = {**changed, "base_url": "https://attacker.example"}
    assert "Enter the key again" in html.page(keeper.post(source, data=elsewhere), 422).text
    assert keeper.post(source, data={**elsewhere, "secret": "another"}).status_code == 303
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "source.change")).all()[-1]
    assert entry.after == {"base_url": "https://attacker.example", "secret": "changed"}


def test_failures_are_said_in_words(keeper, new, box):
    source = entered(keeper, new, secret="nbt_wrong.wrong")
    assert keeper.send(f"{source}/test", source).status_code == 303
    page = html.page(keeper.get(source)).text
    assert "The source does not accept the key" in page
    assert "Does not work" in page
    assert "The source does not accept the key" in html.page(keeper.get(f"{source}/link")).text
    make_tenant()
    answer = keeper.send(f"{source}/link", source, tenant_id=str(make_tenant()), external_id="1", act="test")
    assert "The source does not accept the key" in html.page(answer, 422).text


def test_links_that_are_none(keeper, new, box):
    there, other = map(str, box.post("netbox/objects", **ACME)["tenants"])
    source = entered(keeper, new)
    link, tenant_id = f"{source}/link", str(make_tenant())
    make_tenant()
    for wrong in ("", "nobody"):
        answer = keeper.send(link, link, tenant_id=wrong, external_id=there, act="link")
        assert "Choose a tenant." in html.page(answer, 422).text
    answer = linked(keeper, link, tenant_id, "4711")
    assert "does not know this tenant" in html.page(answer, 422).text
    unseen = keeper.send(link, link, tenant_id=tenant_id, external_id=there, act="link", seen=f"{tenant_id} {other}")
    assert "What would be recorded of Acme" in html.page(unseen).text, "figures of another one were shown"
    assert linked(keeper, link, tenant_id, there).status_code == 303
    answer = linked(keeper, link, tenant_id, other)
    assert "linked to a program of this kind already" in html.page(answer, 409).text
    answer = linked(keeper, link, str(make_tenant()), there)
    assert "it would be billed twice" in html.page(answer, 409).text


def test_an_odoo_shows_what_it_leaves_out(keeper, new, box):
    odoo = {"kind": "odoo", "name": "Odoo", "base_url": f"{box.url}/odoo", "secret": BOT_KEY}
    source = entered(keeper, new, **odoo)
    make_tenant()
    page = html.page(keeper.get(f"{source}/link"))
    assert "The whole database" in page.text
    tenant_id = page.one("select", name="tenant_id").all("option")[0]["value"]
    seen = keeper.send(f"{source}/link", f"{source}/link", tenant_id=tenant_id, external_id="1", act="test")
    assert "Not measured: the key's user sees a part of it only" in html.page(seen).text


def test_archived_and_restored(keeper, new, write):
    source = entered(keeper, new)
    for verb in ("archive", "restore"):
        for _ in range(2):
            assert keeper.send(f"{source}/{verb}", source).status_code == 303
        assert ("Archived" in html.page(keeper.get(PAGE)).text) == (verb == "archive")
        assert html.page(keeper.get(source))
    verbs = write.scalars(select(AuditEntry.verb).where(AuditEntry.verb.like("source.%"))).all()
    assert sorted(verbs) == ["source.archive", "source.create", "source.restore"]


def test_others_only_look(app, keeper, new):
    source = entered(keeper, new)
    looker = people.browser(app, people.staff("support"))
    for page in (PAGE, source):
        shown = html.page(looker.get(page))
        buttons = {button.text for button in shown.all("button")}
        assert not {"Save", "Enter the source", "Archive", "Test the connection"} & buttons
    assert looker.get(f"{source}/link").status_code == 403


def test_the_database_asks_who_it_is(app, keeper, new):
    entered(keeper, new)
    for person in (people.staff("support"), people.member()):
        with tenancy.bound(person.tenant_id or tenancy.PLATFORM, user_id=person.user_id):
            assert db.session.execute(text("SELECT secret FROM usage_sources")).all() == []
            assert db.session.execute(text("UPDATE usage_sources SET name = 'x'")).rowcount == 0
    member = people.member()
    with tenancy.bound(member.tenant_id, user_id=member.user_id), pytest.raises(DBAPIError):
        db.session.execute(
            text("INSERT INTO usage_source_links (tenant_id, id, source_id, kind, external_id, external_name,"
                 " counts_from) VALUES (:t, gen_random_uuid(), gen_random_uuid(), 'netbox', '1', 'x', now())"),
            {"t": member.tenant_id},
        )  # fmt: skip
    for statement in ("UPDATE usage_sources SET kind = 'odoo'", "DELETE FROM usage_sources"):
        with tenancy.bound(tenancy.PLATFORM, user_id=people.staff("admin").user_id), pytest.raises(DBAPIError):
            db.session.execute(text(statement))
    with tenancy.staff_session() as session, pytest.raises(DBAPIError):
        session.execute(text("SELECT secret FROM usage_sources"))
