"""The storm's own honesty: what it says was killed has lived until then, and is dead now."""

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import storm as storms
from tests.faults.machine import Machine, children, wait_until
from tests.faults.storm import Storm

PATIENCE_SECONDS = 30
# A web server with one process for requests, which it does not notice the death of.
WEB = "import subprocess, time; child = subprocess.Popen(['sleep', '600']); time.sleep(600)"


@pytest.fixture(name="run")
def fixture_run() -> Iterator[Callable[..., "subprocess.Popen[bytes]"]]:
    started = []

    def run(*command: str) -> "subprocess.Popen[bytes]":
        started.append(subprocess.Popen(command))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.wait()


def machine_of(postgres: Any = None, **processes: Any) -> Machine:
    """A machine that has nothing but these processes."""
    nothing = SimpleNamespace(process=None)
    return Machine(SimpleNamespace(processes=processes), SimpleNamespace(process=postgres), nothing)  # type: ignore[arg-type]


def test_a_process_dies_once(run) -> None:
    worker, postgres = run("sleep", "600"), run("sleep", "600")
    machine = machine_of(postgres, worker=worker)
    for name, process in (("worker", worker), ("postgres", postgres)):
        assert [machine.kill(name), machine.kill(name)] == [True, False]
        assert process.poll() is not None


def test_what_died_by_itself_was_not_killed(run) -> None:
    ended = run("true")
    wait_until(lambda: not is_running(ended.pid), PATIENCE_SECONDS, "it does not end")
    assert machine_of(worker=ended).kill("worker") is False


def test_a_server_that_was_not_started_again_yet_cannot_be_killed() -> None:
    assert machine_of().kill("valkey") is False


def test_one_process_of_the_web_server_dies_once(run) -> None:
    web = run(sys.executable, "-c", WEB)
    wait_until(lambda: len(children(web.pid)) == 1, PATIENCE_SECONDS, "no process for requests")
    machine = machine_of(web=web)
    assert [machine.kill("request"), machine.kill("request")] == [True, False]
    assert machine.kill("web") is True
    assert machine.kill("request") is False, "there is not even a web server"


def is_running(pid: int) -> bool:
    """Whether a process of ours has not ended, without waiting for it: whoever waits for it makes it vanish."""
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


class Parts:
    """A machine on which every other kill hits nothing."""

    def __init__(self) -> None:
        self.asked = 0

    def watch(self) -> None:
        """Nothing is started again."""

    def kill(self, _name: str) -> bool:
        self.asked += 1
        return self.asked % 2 == 0


@pytest.fixture(name="storm")
def fixture_storm(monkeypatch: pytest.MonkeyPatch) -> Storm:
    """A storm in which nobody buys anything."""
    monkeypatch.setattr(storms, "GAP_SECONDS", (0.0, 0.001))
    monkeypatch.setattr(Storm, "_buy", lambda self: setattr(self, "_bought", self.purchases))
    monkeypatch.setattr(Storm, "_calm", lambda _self: 0.0)
    return Storm(Parts(), kills=10, purchases=1, tenants=0, seed=1, say=lambda _line: None)  # type: ignore[arg-type]


def test_only_what_died_is_counted(storm: Storm) -> None:
    storm.rage()
    assert storm.killed.total() == storm.kills
    assert storm.machine.asked == 2 * storm.kills  # type: ignore[attr-defined]


def test_a_killer_that_fails_fails_the_storm(storm: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Parts, _name: str) -> bool:
        raise FileNotFoundError("/proc/1/task/1/children")

    monkeypatch.setattr(Parts, "kill", fail)
    with pytest.raises(FileNotFoundError):
        storm.rage()


def test_a_storm_ends_when_nobody_can_buy(storm: Storm, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: Storm) -> None:
        raise AssertionError("the portal does not answer")

    monkeypatch.setattr(Storm, "_buy", fail)
    monkeypatch.setattr(Parts, "kill", lambda _self, _name: False)
    with pytest.raises(AssertionError, match="does not answer"):
        storm.rage()


def test_a_storm_of_fewer_kills_than_it_says_is_none(storm: Storm) -> None:
    storm.killed = Counter(worker=storm.kills - 1)
    with pytest.raises(AssertionError, match="fewer"):
        storms.verify(storm)
