"""Many processes at the same moment: tabs, double clicks, workers, tickers and web servers."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from apiflask import APIFlask

from tests.faults import forks
from tests.faults.acts import choosing, delivering, landing, signing_in, ticking, working
from tests.faults.forks import Act, Outcome
from tests.faults.journeys.purchase import Purchase
from tests.faults.world import World

pytestmark = pytest.mark.usefixtures("pdf")


def at_once(*acts: tuple[APIFlask, Act]) -> list[Outcome]:
    """Each act in a process of its own, all side by side."""
    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(lambda pair: forks.run(*pair), acts))


def test_everything_at_once_is_one_purchase(place: World) -> None:
    """Six tabs click, four processes get every event, four workers and three tickers work, the customer comes back."""
    purchase = Purchase(place)
    cookies = forks.run(place.web, signing_in(purchase.person)).facts["cookies"][0]
    clicks = at_once(*[(place.web, choosing(cookies))] * 6)
    places = {location for click in clicks for location in click.facts.get("location", [])}
    assert len(places) == 1
    checkout = purchase.checkout()
    place.sandbox.pay(checkout["stripe_session_id"])
    at_once(
        *[(place.web, delivering(purchase.undelivered()))] * 4,
        *[(place.web, landing(cookies, str(checkout["id"])))] * 2,
        *[(place.worker, working)] * 4,
        *[(place.worker, ticking)] * 3,
    )
    purchase.settle()
    purchase.cookies = cookies
    purchase.download()
    purchase.verify()


def test_tickers_start_each_turn_once(place: World) -> None:
    forks.run(place.worker, ticking)
    place.rows("UPDATE periodic_tasks SET next_at = now() - interval '1 second' RETURNING name")
    before = _turns(place)
    at_once(*[(place.worker, ticking)] * 6)
    assert {name: count - before[name] for name, count in _turns(place).items()} == dict.fromkeys(before, 1)


def _turns(place: World) -> dict[str, int]:
    rows = place.rows(
        "SELECT t.name, (SELECT count(*) FROM outbox WHERE kind = 'periodic.' || t.name) AS turns FROM periodic_tasks t"
    )
    return {row["name"]: row["turns"] for row in rows}
