"""Bodies that nobody means well with: refused at once, and nobody else's events with them."""

import gzip
import json

import pytest
from sqlalchemy import Engine, event, text

from portal import tenancy
from portal.extensions import db
from portal.usage import ingest
from tests.usage.metered import call, send, stored, total


@pytest.mark.parametrize("quantity", ["9" * 140_000, "0." + "0" * 17_000, "1e99", "٣"])
def test_a_number_that_is_none_spoils_nothing(metered, quantity):
    assert send(metered, call(2), call(quantity)) == ["accepted", "rejected"]
    assert total(metered) == 2


@pytest.mark.parametrize("quantity", ["NaN", "Infinity", "-Infinity"])
def test_what_is_no_json(metered, quantity):
    item = f'{{"resource_type": "api_calls", "quantity": {quantity}}}'
    with tenancy.bound(metered):
        for take, body in ((ingest.record_one, item), (ingest.record, f"[{json.dumps(call())}, {item}]")):
            with pytest.raises(ingest.BadBatch):
                take(body)
        receipt = ingest.record_lines(f"{json.dumps(call(4))}\n{item}")
        assert (receipt.status(0), receipt.reasons) == ("accepted", {1: "not_readable"})
    assert total(metered) == 4


@pytest.mark.parametrize("separator", ["\u2028", "\x85", "\x0c", "\x1d"])
def test_a_text_may_hold_what_some_call_a_line(metered, separator):
    line = json.dumps(call(1, source=f"a{separator}b"), ensure_ascii=False)
    if separator < " ":  # not in JSON
        line = line.replace(separator, " ")
    with tenancy.bound(metered):
        receipt = ingest.record_lines(f"{line}\r\n{line}\n")
    assert (receipt.items, dict(receipt.others)) == (2, {})


@pytest.mark.parametrize("body", ["[" + ",".join(["{}"] * 300_000) + "]", "[" + ",".join(["1"] * 700_000) + "]"])
def test_millions_are_counted_before_anything_is_done(metered, body):
    assert len(gzip.compress(body.encode())) < 5_000
    said = []
    note = lambda *called: said.append(called[2])  # noqa: E731
    event.listen(Engine, "before_cursor_execute", note)
    try:
        with tenancy.bound(metered), pytest.raises((ingest.TooManyItems, ingest.BadBatch)):
            ingest.record(body)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert "{}" not in body or not [each for each in said if "usage_events" in each]
    assert stored(metered) == 0


def test_sources_without_end_make_sums_with_an_end(metered):
    for number in range(3):
        send(metered, *(call(1, source=f"pod-{number}-{each}") for each in range(40)))
    with tenancy.bound(metered):
        found = db.session.execute(
            text("SELECT source, sum(total) FROM usage_rollups WHERE grain = 'period' GROUP BY 1")
        ).all()
    assert len(found) == ingest.MOST_SOURCES + 1
    assert dict(found)["other"] == 120 - ingest.MOST_SOURCES
    assert total(metered) == 120
