"""Every place where the portal commits or calls somebody lies on a journey, and journeys survive what happens there.

A sample in each run: other points meet other actions each time, by the seed that a failing test prints and
``FAULTS_SEED`` repeats. Every point × every action, one at a time: ``python -m tests.faults matrix``.
"""

import os
import random
import secrets

import pytest

from tests.faults import driver, sites
from tests.faults.driver import ACTIONS, Recorded
from tests.faults.world import World

SEED_VARIABLE = "FAULTS_SEED"
# Doubling a refund costs money, so that these are disturbed in every run; of the others two.
ALWAYS = ("Purchase", "Duplicate", "Turn")
# In a purchase: how many points meet an action. Others do the work of one that stands still: a few at a time.
SLICES = {"kill": slice(0, 12), "raise": slice(12, 24), "stall": slice(24, 28)}
SAMPLE = {"kill": 6, "raise": 6, "stall": 3}

# Sites that no journey passes, and why that is no gap.
BY_HAND = "a command that somebody runs and runs again; each step of it keeps what is there"
NOT_YET = "no kind of work is registered as batched; tests/outbox/test_batches.py"
TEST_TIME = "for Stripe's test mode alone; tests/scenarios/test_time.py"
BY_TEST = "what a refusal or an outage leads to: tests/scenarios/test_coupons.py, tests/billing/test_publish_coupons.py"
COLLECTING = "what was refused or given up; tests/billing/test_payment_methods.py"
AGAIN = "periodic work, which the next turn does again; tests/scenarios/test_collection.py runs it twice each time"
LEAVING = "what Stripe refused; tests/scenarios/test_cancellations.py and test_refunds.py"
RESUMING = "another amount than was shown; tests/scenarios/test_trials.py"
CHANGES = "tests/billing/test_plan_changes.py"
SCHEDULED = "tests/scenarios/test_scheduled_changes.py"
KEEPING = "staff change one row, and change it again: tests/pages/test_resources.py, test_plan_terms.py"
ON_THE_WAY = "what was finalised or forgotten on the way: tests/scenarios/test_usage.py"
GIVING_BACK = "the same work as a refund's; tests/billing/test_adjustments.py"
DISPUTES = "tests/scenarios/test_money_back.py"
EXCEPTIONS = {
    "stripe.portal.billing.adjustment_works._paid_out_of_band": GIVING_BACK,
    "stripe.portal.billing.adjustment_works._write_off": GIVING_BACK,
    "stripe.portal.billing.dispute_policies._end": f"as the stop of a renewal; {DISPUTES}",
    "stripe.portal.billing.dispute_policies._restore": f"as the stop of a renewal; {DISPUTES}",
    "stripe.portal.mirror.credit_notes.complete_lines": "a read, of more than ten lines",
    "stripe.portal.mirror.refunds.complete": "a read, of more than ten refunds",
    "commit.portal.billing.checkouts._awaited": "ends a transaction that has only read; tests/faults/test_races.py",
    "commit.portal.billing.discount_work._keep": BY_TEST,
    "commit.portal.billing.discount_work._release": BY_TEST,
    "commit.portal.billing.publish_coupons._publish_or_report": BY_TEST,
    "commit.portal.billing.expiring.tell": AGAIN,
    "commit.portal.billing.method_sessions._fail": COLLECTING,
    "commit.portal.billing.method_works._refuse_default": COLLECTING,
    "commit.portal.billing.standing.set_policy": BY_HAND,
    "commit.portal.billing.standing.settle_due": AGAIN,
    "commit.portal.billing.cancellation_calls._fail": LEAVING,
    "commit.portal.billing.cancellation_refunds._leave_to_staff": LEAVING,
    "commit.portal.billing.plan_change_offers._priced": f"Stripe refused a preview; {CHANGES}",
    "commit.portal.billing.plan_change_work._fail": f"Stripe refused the change; {CHANGES}",
    "commit.portal.billing.plan_change_work.check": f"a schedule that was released at Stripe's dashboard; {CHANGES}",
    "commit.portal.billing.plan_change_work.refit": f"done again it finds nothing to do; {SCHEDULED}",
    "commit.portal.billing.plan_change_work.release": "a month later; tests/scenarios/test_plan_changes.py",
    "commit.portal.billing.plan_changes._expire": f"an offer that does not hold any more; {CHANGES}",
    "commit.portal.billing.plan_changes.refresh": f"only asks for a reading; {CHANGES}",
    "stripe.portal.billing.plan_change_schedules.read": f"a read, of a schedule that is there already; {SCHEDULED}",
    "stripe.portal.billing.plan_change_work.cancel": f"gives up what a bank refused; {CHANGES}",
    "commit.portal.billing.plan_policies.change": BY_HAND,
    "commit.portal.billing.tenants.create": BY_HAND,
    "commit.portal.billing.trials._check_amount": RESUMING,
    "commit.portal.commands.demo._user": BY_HAND,
    "commit.portal.commands.demo.seed_coupons": BY_HAND,
    "commit.portal.commands.demo.seed_plans": BY_HAND,
    "commit.portal.commands.demo_usage.seed_terms": BY_HAND,
    "commit.portal.commands.demo._api_key": BY_HAND,
    "commit.portal.gateway.account.bind_account": BY_HAND,
    "commit.portal.invoicing.branding.change": "staff change one row, and again: tests/pages/test_branding.py",
    "commit.portal.heartbeats.beat": "a thread says the same again five seconds later",
    "commit.portal.heartbeats.forget_this_host": "at a start, which does it again",
    "commit.portal.outbox.batches.claim_more": NOT_YET,
    "commit.portal.outbox.batches.give_back": NOT_YET,
    "commit.portal.outbox.batches.run": NOT_YET,
    "commit.portal.sources.given.enter": BY_HAND,
    "commit.portal.security.people.add_member": BY_HAND,
    "commit.portal.security.people.create_user": BY_HAND,
    "commit.portal.security.people.grant_staff_role": BY_HAND,
    "commit.portal.usage.closing._put_off": "what failed before; tests/usage/test_closing.py",
    "commit.portal.usage.hours._step": AGAIN,
    "commit.portal.usage.invoice_items._let_go": ON_THE_WAY,
    "commit.portal.usage.mending.mend": BY_HAND,
    "commit.portal.usage.plan_terms.change": KEEPING,
    "commit.portal.usage.plan_terms.remove": KEEPING,
    "commit.portal.usage.resources._move": KEEPING,
    "commit.portal.usage.resources.create": KEEPING,
    "stripe.portal.billing.discount_work._has_discount": BY_TEST,
    "stripe.portal.billing.customers._test_clock": TEST_TIME,
    "stripe.portal.mirror.test_clocks.fetch": TEST_TIME,
    "stripe.portal.billing.duplicates._void": "the sandbox cannot make a live subscription with an open invoice yet",
    "stripe.portal.usage.invoice_items._invoice": ON_THE_WAY,
    "stripe.portal.usage.invoice_items._put_before": ON_THE_WAY,
    "stripe.portal.usage.invoice_items._status": ON_THE_WAY,
    "stripe.portal.usage.invoice_items._take_back": ON_THE_WAY,
    "stripe.portal.mirror.invoice_lines.fetch_all": "a read, for invoices of more than ten lines; nothing makes them",
}

pytestmark = pytest.mark.usefixtures("pdf")


@pytest.fixture(scope="module", name="recorded")
def fixture_recorded(place: World) -> dict[str, Recorded]:
    """Every journey undisturbed, and right; with the points that are tried in it."""
    return {found.kind.__name__: found for found in driver.record(place)}


@pytest.fixture(scope="module", name="drawn")
def fixture_drawn() -> str:
    """Another in each run; one for all of these tests, so that purchases share no point."""
    return os.environ.get(SEED_VARIABLE) or str(secrets.randbits(32))


@pytest.fixture(name="seed")
def fixture_seed(drawn: str) -> str:
    """Printed for each test, to be seen beside its failure."""
    print(f"{SEED_VARIABLE}={drawn}")
    return drawn


def test_every_site_lies_on_a_journey(recorded: dict[str, Recorded]) -> None:
    passed = {point.rpartition(":")[0] for found in recorded.values() for point in found.passed}
    all_sites = sites.all_sites()
    missing = sorted(site.point for site in all_sites if site.point not in passed | EXCEPTIONS.keys())
    assert missing == [], "\n".join(["give these a journey, or say in EXCEPTIONS why they need none:", *missing])
    assert [point for point in EXCEPTIONS if point in passed] == [], "no exceptions any more"
    assert EXCEPTIONS.keys() <= {site.point for site in all_sites}, "these are no sites any more"


def test_there_are_points_around_everything(recorded: dict[str, Recorded]) -> None:
    points = {point for found in recorded.values() for point in found.passed}
    families = {point.partition(".")[0] for point in points}
    assert families == {"commit", "stripe", "smtp", "redis", "rq", "pdf", "webhook", "inbox"}
    assert {"redis.ring:before", "redis.heard:before"} <= points


@pytest.mark.parametrize("action", ACTIONS)
def test_a_purchase_survives(place: World, recorded: dict[str, Recorded], seed: str, action: str) -> None:
    found = recorded["Purchase"]
    shuffled = random.Random(seed).sample(found.points, len(found.points))
    driver.disturb(place, found.kind, tuple(shuffled[SLICES[action]]), action)


@pytest.mark.parametrize("name", ["Duplicate", "Turn", "one of the others", "another of the others"])
def test_a_journey_survives(place: World, recorded: dict[str, Recorded], seed: str, name: str) -> None:
    chance = random.Random(f"{seed} {name}")
    if name not in recorded:
        others = random.Random(seed).sample([other for other in recorded if other not in ALWAYS], 2)
        name = others[name.startswith("another")]
    found, action = recorded[name], chance.choice(ACTIONS)
    points = tuple(chance.sample(found.points, min(SAMPLE[action], len(found.points))))
    print(f"{name}: {action} at {', '.join(points)}")
    driver.disturb(place, found.kind, points, action)
