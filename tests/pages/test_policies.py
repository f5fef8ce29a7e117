"""Staff set the policy of a plan, and of invoices that stay unpaid; others only look."""

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from portal import tenancy
from portal.billing import plan_policies
from portal.billing.plan_policies import PlanPolicy
from portal.extensions import db
from portal.models import AuditEntry, Plan, PolicySettings
from tests.support import html, people

PAGE = "/staff/policies"
STARTER = f"{PAGE}/starter"


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return people.browser(app, people.staff("finance"))


def policy_of(write, plan_id="starter"):
    write.expire_all()
    return PlanPolicy.of(write.get(Plan, plan_id))


def form_of(client, page, action):
    """What the page's form would send, selects included."""
    form = html.page(client.get(page)).form(action)
    chosen = {
        each["name"]: next(option["value"] for option in each.all("option", selected=True))
        for each in form.all("select")
    }
    return {**form.fields(), **chosen}


def test_a_plan_gets_another_policy(keeper, write):
    form = form_of(keeper, STARTER, STARTER)
    before = policy_of(write)
    answer = keeper.post(STARTER, data={**form, "cancel_at": "choice", "cancel_refund": "prorated", "trial_days": "30"})
    assert answer.status_code == 303
    after = policy_of(write)
    assert (after.cancel_at, after.cancel_refund, after.trial_days) == ("choice", "prorated", 30)
    assert (after.upgrade_at, after.trial_end) == (before.upgrade_at, before.trial_end)
    assert policy_of(write, "professional") == before
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "plan.policy")).one()
    assert (entry.tenant_id, entry.object_id, entry.actor_kind) == (tenancy.PLATFORM, "starter", "staff")
    assert entry.before == {"trial_days": 14, "cancel_at": "period_end", "cancel_refund": "none"}
    page = html.page(keeper.get(PAGE))
    assert "also at once" in page.text
    assert "30 days" in page.text


def test_the_same_again_is_no_change(keeper, write):
    keeper.post(STARTER, data=form_of(keeper, STARTER, STARTER))
    assert write.scalars(select(AuditEntry).where(AuditEntry.verb == "plan.policy")).all() == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"trial_days": "731"}, "a trial has 0 to 730 days"),
        ({"trial_days": "-1"}, "a trial has 0 to 730 days"),
        ({"trial_days": "99999999999999999999"}, "a trial has 0 to 730 days"),
        ({"trial_days": "soon"}, "Not a valid integer value"),
        ({"trial_days": ""}, "Enter a whole number."),
        ({"upgrade_at": "never"}, "Not a valid choice"),
    ],
)
def test_what_makes_no_policy(keeper, write, change, sentence):
    before = policy_of(write)
    answer = keeper.post(STARTER, data={**form_of(keeper, STARTER, STARTER), **change})
    assert sentence in html.page(answer, 422).text
    assert policy_of(write) == before


def test_a_plan_that_nobody_has(keeper):
    assert keeper.get(f"{PAGE}/nope").status_code == 404
    assert keeper.send(f"{PAGE}/nope", PAGE).status_code == 404


def test_unpaid_invoices(keeper, write):
    form = form_of(keeper, PAGE, PAGE)
    assert form["restricted_after_days"] == "7"
    changed = {"restricted_after_days": "10", "suspended_after_days": "30"}
    assert keeper.post(PAGE, data={**form, **changed}).status_code == 303
    row = write.scalars(select(PolicySettings)).one()
    assert (row.restricted_after_days, row.suspended_after_days, row.tries_by_hand_per_hour) == (10, 30, 5)
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "policy.change")).one()
    assert (entry.actor_kind, entry.after["suspended_after_days"]) == ("staff", 30)


@pytest.mark.parametrize(
    "change",
    [
        {"restricted_after_days": "15"},
        {"suspended_after_days": "366"},
        {"restricted_after_days": "99999999999999999999"},
        {"tries_by_hand_per_hour": "0"},
    ],
)
def test_what_unpaid_invoices_cannot_lead_to(keeper, write, change):
    answer = keeper.post(PAGE, data={**form_of(keeper, PAGE, PAGE), **change})
    assert "suspension cannot come before restriction" in html.page(answer, 422).text
    assert write.scalars(select(PolicySettings.restricted_after_days)).one() == 7


def test_others_only_look(app):
    looker = people.browser(app, people.staff("support"))
    for page in (PAGE, STARTER):
        shown = html.page(looker.get(page))
        assert "Save" not in [button.text for button in shown.all("button")]


def test_the_database_asks_who_it_is(app):
    """Whatever a handler forgets: on the web role only admin and finance change a policy."""
    looker, member = people.staff("support"), people.member()
    for person in (looker, member):
        for statement in ("UPDATE plans SET trial_days = 99", "UPDATE settings SET restricted_after_days = 0"):
            with tenancy.bound(person.tenant_id or tenancy.PLATFORM, user_id=person.user_id):
                assert db.session.execute(text(statement)).rowcount == 0
    with tenancy.bound(tenancy.PLATFORM, user_id=people.staff("admin").user_id), pytest.raises(DBAPIError):
        db.session.execute(text("UPDATE plans SET price_monthly = 0"))
    assert plan_policies.get("starter").trial_days == 14
