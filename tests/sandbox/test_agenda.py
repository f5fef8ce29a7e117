"""The agenda and who runs it: order, moving, dropping, and entries that break."""

from typing import Any

import pytest

from sandbox.engine import agenda
from sandbox.timekeeper import Timekeeper

from .conftest import wait_for
from .lives import DAY, START, Life


@pytest.fixture
def seen() -> list[tuple[str, int]]:
    """What handlers called `note` and `again` were called with, and at what time."""
    found: list[tuple[str, int]] = []

    def note(work: Any, object_id: str) -> None:
        found.append((object_id, work.now))

    def again(work: Any, object_id: str) -> None:
        note(work, object_id)
        if work.now < START + 3 * DAY:
            agenda.put(work, "again", object_id, work.now + DAY)

    agenda.register("note", note)
    agenda.register("again", again)
    return found


def test_entries_are_done_in_order_of_time_then_of_putting(seen: list[tuple[str, int]]) -> None:
    life = Life()
    with life.store.transaction() as work:
        agenda.put(work, "note", "late", START + 2 * DAY)
        agenda.put(work, "note", "second", START + DAY)
        agenda.put(work, "note", "moved", START + DAY)
        agenda.put(work, "note", "dropped", START + DAY)
        agenda.put(work, "again", "often", START + DAY)
        agenda.put(work, "note", "moved", START + 4 * DAY)
        agenda.drop(work, "note", "dropped")
        agenda.put(work, "note", "past", START - DAY)
        assert agenda.at(work, "note", "moved") == START + 4 * DAY
        agenda.run(work, None, START + 4 * DAY - 1)
        assert work.now == START + 4 * DAY - 1
    assert seen == [
        ("past", START), ("second", START + DAY), ("often", START + DAY), ("late", START + 2 * DAY),
        ("often", START + 2 * DAY), ("often", START + 3 * DAY),
    ]  # fmt: skip
    with life.store.transaction() as work:
        assert [entry["object"] for entry in agenda.entries(work, None) if entry["what"] == "note"] == ["moved"]


def test_each_clock_has_entries_of_its_own(seen: list[tuple[str, int]]) -> None:
    life = Life()
    with life.store.transaction() as work:
        agenda.put(work, "note", "global", START + DAY)
        work.clock = life.clock
        agenda.put(work, "note", "inside", START + DAY)
    life.leap(START + 2 * DAY)
    assert seen == [("inside", START + DAY)]


def test_a_broken_entry_is_set_aside_and_the_others_go_on(seen: list[tuple[str, int]]) -> None:
    life = Life()
    with life.store.transaction() as work:
        agenda.put(work, "note", "before", START + DAY)
        agenda.put(work, "nobody knows", "broken", START + 2 * DAY)
        agenda.put(work, "note", "after", START + 3 * DAY)
    keeper = Timekeeper(life.store)
    with pytest.raises(RuntimeError, match="nobody knows"):
        keeper.advance(5 * DAY)
    assert seen[-2:] == [("before", START + DAY), ("after", START + 3 * DAY)]
    assert [entry["object"] for entry in life.store.objects["_agenda_failed"].values()] == ["broken"]
    assert keeper.advance(DAY) == START + 6 * DAY


def test_a_clock_whose_advance_breaks_says_so() -> None:
    life = Life()
    customer = life.customer()
    with life.store.transaction() as work:
        work.clock = life.clock
        agenda.put(work, "nobody knows", customer, START + DAY)
    keeper = Timekeeper(life.store)
    life.store.after_commit = keeper.notice
    keeper.start()
    path = f"/v1/test_helpers/test_clocks/{life.clock}"
    life.post(f"{path}/advance", frozen_time=START + 2 * DAY)
    clock = wait_for(lambda: (c := life.get(path))["status"] == "internal_failure" and c)
    keeper.stop()
    assert clock["frozen_time"] == START
    assert life.events()[-1]["type"] == "test_helpers.test_clock.internal_failure"
    refused = life.post(f"{path}/advance", expect=400, frozen_time=START + DAY)
    assert "internal_failure" in refused["error"]["message"]


def test_while_a_clock_advances_its_customers_stay_as_they_are() -> None:
    life = Life()
    customer = life.customer()
    life.post(f"/v1/test_helpers/test_clocks/{life.clock}/advance", frozen_time=START + DAY)
    refused = life.post(f"/v1/customers/{customer}", expect=429, name="Too soon")
    assert (refused["error"]["code"], "is advancing" in refused["error"]["message"]) == ("lock_timeout", True)
    assert life.get(f"/v1/customers/{customer}")["name"] is None
    life.post("/v1/customers", name="Elsewhere")
