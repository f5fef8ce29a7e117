"""A part that dies is started again, one that dies over and over ends everything, and the end has an order."""

import os
import signal
import subprocess
import sys
import time

import pytest

from portal.embedded import processes, supervisor
from portal.embedded.console import Console
from portal.embedded.refusals import Refusal
from portal.embedded.supervisor import Child, Supervisor

LIVES = ["-c", "import time; time.sleep(60)"]
DIES = ["-c", "raise SystemExit('it went wrong')"]


@pytest.fixture
def make(tmp_path):
    def make(name, arguments):
        return Child(name, arguments, {}, tmp_path / f"{name}.log", tmp_path)

    return make


@pytest.fixture
def watched(tmp_path):
    watched = Supervisor(tmp_path / "run", Console())
    yield watched
    watched.stop()


def tend_until(watched, condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        watched.tend()
        time.sleep(0.02)


def test_a_killed_child_is_started_again_and_it_is_said(watched, make, capsys):
    worker = make("worker", LIVES)
    watched.start(worker)
    first = worker.process.pid
    os.kill(first, signal.SIGKILL)
    tend_until(watched, lambda: worker.process.pid != first)
    assert worker.process.poll() is None
    assert "worker was ended by SIGKILL; starting it again" in capsys.readouterr().out


def test_a_crash_loop_ends_with_the_last_words(watched, make, monkeypatch):
    monkeypatch.setattr(supervisor, "_BACKOFF_SECONDS", 0.01)
    watched.start(make("worker", DIES))
    with pytest.raises(Refusal, match=r"worker ended with exit code 1, 5 times[^$]*it went wrong"):
        tend_until(watched, lambda: False)


def test_the_last_started_ends_first(watched, make, monkeypatch):
    ended = []
    for name in ("sandbox", "worker", "web"):
        child = make(name, LIVES)
        monkeypatch.setattr(child, "stop", lambda child=child: (ended.append(child.name), Child.stop(child)))
        watched.start(child)
    watched.stop()
    assert ended == ["web", "worker", "sandbox"]


def test_what_a_killed_run_left_is_ended_and_a_stranger_is_not(tmp_path):
    ours = subprocess.Popen([sys.executable, *LIVES], start_new_session=True)
    stranger = subprocess.Popen([sys.executable, *LIVES], start_new_session=True)
    try:
        processes.record(tmp_path, "worker", ours.pid)
        (tmp_path / "web.json").write_text(f'{{"pid": {stranger.pid}, "identity": "another boot 1"}}')
        assert supervisor.end_leftovers(tmp_path) == ["worker"]
        assert ours.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
        assert list(tmp_path.glob("*.json")) == []
    finally:
        for process in (ours, stranger):
            process.kill()
            process.wait()


def test_nobody_is_asked_to_end_twice(watched, make, tmp_path):
    script = (
        "import signal, time; asked = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: asked.append(1))\n"
        "print('on', flush=True)\n"
        "while not asked: time.sleep(0.01)\n"
        "time.sleep(0.5); print('asked', len(asked), flush=True)"
    )
    worker = make("worker", ["-c", script])
    watched.start(worker)
    tend_until(watched, lambda: "on" in worker.log.read_text())
    watched.stop(together=("worker",))
    assert "asked 1" in worker.log.read_text()
