"""A small storm of kills and changes over reports; ``python -m tests.usage.storm`` is the large one."""

from tests.faults import machine
from tests.usage import storm as storms
from tests.usage.storm import Storm

SEED = 33


def test_each_event_counts_once_while_servers_die(monkeypatch):
    monkeypatch.setattr(storms, "LARGEST_BATCH", 30)
    with machine.running() as running:
        storm = Storm(running, writers=6, events=200, kills=4, seed=SEED, tenants=2, say=lambda _line: None)
        storm.rage()
    assert storm.killed["worker"]
    assert storm.killed["postgres"]
    assert storm.changed["changed"]
    assert storm.answered["duplicate"] >= storm.writers * int(storm.events * storms.REPEATED)
