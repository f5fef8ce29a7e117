"""A correction takes from an event what it has, of the same resource, and counts where the event counts."""

from datetime import timedelta
from decimal import Decimal

import pytest

from portal import clock, tenancy
from portal.extensions import db
from portal.models import UsageEvent
from portal.usage import ingest, verify
from tests.usage.metered import call, send, stored, total


def reasons(tenant_id, body):
    with tenancy.bound(tenant_id):
        return list(ingest.record(body).reasons.values())


def test_in_the_batch_of_what_it_corrects(metered):
    event, correction = call(10, event_id="a"), call(-4, event_id="b", corrects="a")
    assert send(metered, correction, event) == ["accepted", "accepted"]
    assert send(metered, event, correction) == ["duplicate", "duplicate"]
    assert total(metered) == 6


@pytest.mark.parametrize("batched", [True, False])
def test_never_more_than_there_is(metered, batched):
    event = call(10, event_id="a")
    steps = [call(-6, corrects="a"), call(-4, event_id="b", corrects="a"), call("-0.000000001", corrects="a")]
    batches = [[event, *steps]] if batched else [[event], *([step] for step in steps)]
    assert [status for batch in batches for status in send(metered, *batch)] == ["accepted"] * 3 + ["rejected"]
    assert send(metered, steps[1]) == ["duplicate"], "a retry is not another one"
    assert (total(metered), stored(metered)) == (0, 3)


@pytest.mark.parametrize(
    ("former", "event", "reason"),
    [
        ({"resource_type": "users", "quantity": 9}, call(-1), "negative_quantity"),
        (call(9), call(-10), "more_than_it_corrects"),
        ({"resource_type": "level", "quantity": 9}, {"resource_type": "level", "quantity": -1}, "negative_quantity"),
    ],
)
def test_what_corrects_nothing(metered, former, event, reason):
    assert send(metered, {**former, "event_id": "a"}) == ["accepted"]
    with tenancy.bound(metered), pytest.raises(ingest.Rejected, match=reason):
        ingest.record_one(ingest.json.dumps({**event, "corrects": "a"}))
    assert stored(metered) == 1


def test_it_counts_when_its_event_does(metered):
    """Unless it names a time of its own: what was corrected next month was used in this one."""
    earlier = clock.stripe_now() - timedelta(days=50)
    event = call(10, event_id="a", timestamp=earlier.isoformat())
    assert send(metered, event) == ["late"]
    assert send(metered, call(-4, corrects="a")) == ["late"]
    with tenancy.bound(metered):
        found = db.session.scalars(db.select(UsageEvent).order_by(UsageEvent.quantity)).all()
        assert [each.counted_at for each in found] == [earlier, earlier]
        assert verify.differences() == []
    assert total(metered) == Decimal(6)


def test_of_cloud_events_it_is_one_of_the_same_source(metered):
    def envelope(event_id, quantity, **more):
        kind = {"specversion": "1.0", "type": "api_calls", "source": "gateway"}
        return {**kind, "id": event_id, "data": {"quantity": quantity, **more}}

    assert send(metered, envelope("1", 10)) == ["accepted"]
    assert send(metered, envelope("2", -3, corrects="1")) == ["accepted"]
    assert total(metered) == 7
