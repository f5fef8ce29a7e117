"""An outage of the other side uses up no tries, however long it lasts and whatever goes wrong once it is over."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from apiflask import APIFlask
from sqlalchemy.exc import IntegrityError

from portal.config import Settings
from portal.gateway.errors import PaymentServiceUnavailable
from portal.leasing import OUTAGE_DELAY
from portal.mirror import dispatch as mirror
from portal.mirror.errors import NotYet
from portal.outbox import dispatch as outbox
from portal.outbox import leases, registry
from tests.support import database

AWAY = 25  # more than the tries that there are
MISSES = [NotYet("a customer"), IntegrityError("INSERT", {}, Exception("a rival")), RuntimeError("a bug")]
ROWS = {
    "outbox": "INSERT INTO outbox (id, kind, key, payload) VALUES (gen_random_uuid(), 'test.away', 'away', '{}')",
    "stripe_objects": "INSERT INTO stripe_objects (id, kind, wanted) VALUES ('cs_test_away', 'checkout_session', 1)",
}
LEFT = """
    SELECT (SELECT count(*) FROM outbox WHERE dead_at IS NOT NULL)
         + (SELECT count(*) FROM stripe_objects WHERE parked_at IS NOT NULL)
         + (SELECT count(*) FROM drift_findings) AS given_up"""


@pytest.fixture(autouse=True)
def fixture_context(worker: APIFlask) -> Iterator[None]:
    with worker.app_context():
        yield


@pytest.fixture(name="go_wrong")
def fixture_go_wrong(monkeypatch: pytest.MonkeyPatch):
    """Try what is due once, in which ``error`` happens."""

    def run(error: Exception) -> None:
        def fail(_anything: object) -> None:
            raise error

        monkeypatch.setitem(registry._handlers, "test.away", fail)
        monkeypatch.setattr(mirror, "_mirror", fail)
        assert mirror.run_next() + outbox.run_next() == 1

    return run


def _row(settings: Settings, table: str) -> dict[str, Any]:
    # The delay is rolled by chance between a half and the whole.
    return database.as_owner(settings, f"SELECT attempts, next_at - now() AS pause FROM {table}")[0]  # noqa: S608


@pytest.mark.parametrize("table", ROWS)
def test_an_outage_uses_up_no_tries(settings: Settings, go_wrong, table: str) -> None:
    database.as_owner(settings, ROWS[table])
    for error in (*[PaymentServiceUnavailable()] * AWAY, *MISSES):
        go_wrong(error)
        database.let_time_pass(settings)
    assert database.as_owner(settings, LEFT) == [{"given_up": 0}]
    assert _row(settings, table)["attempts"] == len(MISSES)


@pytest.mark.parametrize("table", ROWS)
def test_its_pauses_grow_up_to_half_a_minute_and_each_outage_begins_anew(
    settings: Settings, go_wrong, table: str
) -> None:
    database.as_owner(settings, ROWS[table])
    first: list[timedelta] = []
    for _outage in range(2):
        pauses = []
        for _try in range(8):
            go_wrong(PaymentServiceUnavailable())
            pauses.append(_row(settings, table)["pause"])
            database.let_time_pass(settings)
        assert all(later > earlier for earlier, later in itertools.pairwise(pauses[0:5:2]))
        assert OUTAGE_DELAY / 2 - timedelta(seconds=1) < pauses[-1] <= OUTAGE_DELAY
        first.append(pauses[0])
        go_wrong(RuntimeError("it is back, and wrong"))
        database.let_time_pass(settings)
    assert max(first) <= timedelta(seconds=2)


@pytest.mark.parametrize("table", ROWS)
def test_what_fails_by_itself_is_given_up_outages_or_not(settings: Settings, go_wrong, table: str) -> None:
    database.as_owner(settings, ROWS[table])
    for _try in range(leases.MAX_ATTEMPTS):
        assert database.as_owner(settings, LEFT) == [{"given_up": 0}]
        for error in (PaymentServiceUnavailable(), RuntimeError("as always")):
            go_wrong(error)
            database.let_time_pass(settings)
    assert database.as_owner(settings, LEFT) == [{"given_up": 2}], "the row, and its finding"
