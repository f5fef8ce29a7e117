"""System packages: what a person is told to do depends on what the machine has and on who asks; Ctrl-C is gentle."""

import os
import signal
import subprocess
import sys
import time

import pytest

from portal.embedded import apt


@pytest.mark.parametrize(
    ("user", "programs", "words"),
    [
        (0, ["apt-get"], "apt install a b"),
        (1000, ["apt-get", "sudo"], "sudo apt install a b"),
        (1000, ["apt-get"], "apt install a b, as root"),
        (0, [], "install what Debian calls a b"),
    ],
    ids=["root", "sudo", "no sudo", "no apt"],
)
def test_the_advice_can_be_followed_on_this_machine(tmp_path, monkeypatch, user, programs, words):
    for name in programs:
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(os, "geteuid", lambda: user)
    assert apt.advice(["a", "b"]) == words


# Ends a package as apt does: a signal is for after it, not for its middle.
GENTLE = """#!/bin/sh
trap 'sleep 0.2; echo whole > "$0.done"; exit 1' INT
touch "$0.began"
while :; do sleep 0.05; done
"""
CALLS = {
    "portal": "from pathlib import Path; from portal.embedded import apt; apt.install(['a'], Path(sys.argv[1]))",
    "run": (
        "import importlib.machinery; run = importlib.machinery.SourceFileLoader('run', 'run').load_module();"
        "run.quiet(['apt-get'], open(sys.argv[1], 'wb'))"
    ),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_ctrl_c_lets_apt_end_what_it_has_begun(tmp_path, call):
    apt_get = tmp_path / "apt-get"
    for name in ("apt-get", "sudo"):
        (tmp_path / name).write_text(GENTLE if name == "apt-get" else '#!/bin/sh\nshift; exec "$@"\n')
        (tmp_path / name).chmod(0o755)
    paths = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-W", "ignore", "-c", f"import sys; {call}", str(tmp_path / "log")]
    process = subprocess.Popen(
        command,
        env=os.environ | {"PATH": paths},
        stderr=subprocess.PIPE,
        start_new_session=True,
        # Who runs the suite in the background has it ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 60
    while not apt_get.with_suffix(".began").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    assert b"KeyboardInterrupt" in process.communicate(timeout=30)[1]
    assert apt_get.with_suffix(".done").read_text() == "whole\n"
