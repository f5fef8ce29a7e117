"""Only the very process that was noted is ever ended."""

import json
import signal
import subprocess
import sys
import time

import pytest

from portal.embedded import processes

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('on', flush=True); time.sleep(60)"


@pytest.fixture
def sleeper():
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    yield process
    process.kill()
    process.wait()


def test_a_noted_process_is_found_again(tmp_path, sleeper):
    processes.record(tmp_path, "web", sleeper.pid)
    assert processes.recorded(tmp_path, "web") == sleeper.pid


def test_another_process_with_the_same_number_is_not_ours(tmp_path, sleeper):
    note = {"pid": sleeper.pid, "identity": "another boot 12345"}
    (tmp_path / "web.json").write_text(json.dumps(note))
    assert processes.recorded(tmp_path, "web") is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"pid": 1}', '{"pid": 1, "identity": null}'])
def test_a_damaged_note_names_nobody(tmp_path, text):
    (tmp_path / "web.json").write_text(text)
    assert processes.recorded(tmp_path, "web") is None


def test_a_zombie_is_gone():
    process = subprocess.Popen(["true"])
    deadline = time.monotonic() + 5
    while processes.identity(process.pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert processes.identity(process.pid) is None
    process.wait()


def test_who_does_not_listen_is_killed_after_the_grace():
    process = subprocess.Popen([sys.executable, "-c", STUBBORN], start_new_session=True, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"on\n"
    processes.end_group(process.pid, signal.SIGTERM, grace_seconds=0.2)
    assert process.wait(5) == -signal.SIGKILL
    process.stdout.close()


def test_ending_what_is_gone_already_is_no_fault():
    process = subprocess.Popen(["true"])
    process.wait()
    processes.end_group(process.pid)


def test_a_child_ends_with_its_killed_parent():
    script = (
        "import os, signal, subprocess; from portal.embedded import processes;"
        "child = subprocess.Popen(['sleep', '60'], preexec_fn=processes.end_with_parent(signal.SIGTERM));"
        "print(child.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, check=False, timeout=20)
    pid = int(done.stdout)
    known = processes.identity(pid)
    assert known is None or processes.gone_within(pid, known, 5)
