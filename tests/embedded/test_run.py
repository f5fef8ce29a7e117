"""`./run` before and beside a running portal: what it says, and with which exit code."""

import ast
import importlib.machinery
import importlib.util
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from portal.embedded import lock

ROOT = Path(__file__).parents[2]
TOO_SMALL_DISK = """
mount -t tmpfs -o size=8m none "$1" && RUN_VAR="$1" exec "$2" -m portal.embedded start --port "$3"
"""


def load_run():
    loader = importlib.machinery.SourceFileLoader("run_script", str(ROOT / "run"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_script", loader))
    loader.exec_module(module)
    return module


def run(*arguments, **environment):
    """`./run` in the environment that these tests run in."""
    return subprocess.run(
        [str(ROOT / "run"), *arguments],
        env=os.environ | {"RUN_VENV": sys.prefix} | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def refused(done, *sentences):
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for sentence in sentences:
        assert sentence in done.stderr
    return True


@pytest.mark.parametrize("argument", ["--help", "-h", "help"])
def test_help_names_every_command_and_needs_no_environment(argument, tmp_path):
    done = run(argument, RUN_VENV=str(tmp_path / "none"))
    assert done.returncode == 0
    for command in ("./run test", "./run doctor", "./run reset", "./run flask", "--port"):
        assert command in done.stdout
    assert not (tmp_path / "none").exists()


def test_an_unknown_command_is_refused_before_anything_is_installed(tmp_path):
    assert refused(run("nonsense", RUN_VENV=str(tmp_path / "none")), "no command 'nonsense'")
    assert not (tmp_path / "none").exists()


def test_an_old_python_can_read_the_script():
    ast.parse((ROOT / "run").read_text(), feature_version=(3, 6))


def test_an_old_python_gets_one_sentence(monkeypatch):
    script = load_run()
    monkeypatch.setattr(script.shutil, "which", lambda _: None)
    with pytest.raises(script.Refusal, match=r"needs Python 3\.11 or later and this is 3\.9: install a newer one"):
        script.refuse_old_python((3, 9), [])


def test_a_new_python_goes_on():
    assert load_run().refuse_old_python((3, 11), []) is None


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("ERROR: No space left on device", "the disk is full"),
        ("error: failed to fetch\n  dns error: Temporary failure in name resolution", "no way to the package index"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "ends with: THESE PACKAGES DO NOT MATCH"),
    ],
)
def test_a_failed_installation_is_one_sentence(tmp_path, said, sentence):
    with (tmp_path / "packages.log").open("wb") as log:
        log.write(said.encode())
        assert sentence in load_run().reason(log)


def program(folder, name, script):
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


UNREACHABLE = "echo 'E: Temporary failure resolving deb.debian.org'; exit 100"


@pytest.mark.parametrize(
    ("user", "programs", "sentence"),
    [
        (1000, {}, r"install the part of it that does \(on Debian python3\.\d+-venv\), or uv"),
        (1000, {"apt-get": "exit 0"}, r"install that part, as root: apt install python3\.\d+-venv"),
        (1000, {"apt-get": "exit 0", "sudo": "exit 1"}, r"install that part: sudo apt install python3\.\d+-venv"),
        (1000, {"apt-get": UNREACHABLE, "sudo": 'shift; "$@"'}, "no way to the package archive; connect this machine"),
        (0, {"apt-get": UNREACHABLE}, "no way to the package archive; connect this machine"),
        (
            0,
            {"apt-get": "echo 'E: Unable to locate package'; exit 100"},
            r"install python3\.\d+-venv: see .*Unable to locate",
        ),
    ],
    ids=["no apt", "no sudo", "no right to sudo", "sudo, offline", "root, offline", "root, not to be had"],
)
def test_a_python_without_ensurepip_and_no_way_to_it(tmp_path, monkeypatch, user, programs, sentence):
    """Debian packs it apart; it is installed where that may be done, else one sentence says how."""
    script = load_run()
    for name, text in programs.items():
        program(tmp_path, name, text)
    program(tmp_path, "true", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(script.os, "geteuid", lambda: user)
    monkeypatch.setattr(script.importlib.util, "find_spec", lambda _: None)
    with (tmp_path / "log").open("wb") as log, pytest.raises(script.Refusal, match=sentence) as refused:
        script.create(str(tmp_path / "venv"), log)
    assert str(refused.value).startswith("This Python cannot make environments")
    assert "\n" not in str(refused.value)


def test_packages_are_installed_once_and_dev_stays_dev(tmp_path, monkeypatch):
    script = load_run()
    monkeypatch.chdir(ROOT)
    installed = []
    monkeypatch.setattr(script, "works", lambda _: True)
    monkeypatch.setattr(script, "INSTALL_MEGABYTES", 0)
    monkeypatch.setattr(script, "install", lambda _venv, requirements, _log: installed.append(requirements))
    for kind in ("runtime", "runtime", "dev", "runtime", "dev"):
        script.prepare(str(tmp_path), kind, str(tmp_path / "log"))
    assert installed == ["requirements.txt", "requirements-dev.txt"]


def test_what_is_compiled_is_kept_beside_the_data(tmp_path, monkeypatch):
    """Whatever the surroundings say: a dozen processes would compile all packages again at every start."""
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    monkeypatch.delenv("PYTHONPYCACHEPREFIX", raising=False)
    script, started = load_run(), []
    monkeypatch.setattr(script.os, "execve", lambda *how: started.append(how))
    script.become("/venv", str(tmp_path), ["start"])
    [(_python, _arguments, environment)] = started
    assert environment["PYTHONPYCACHEPREFIX"] == str(tmp_path)
    assert "PYTHONDONTWRITEBYTECODE" not in environment


def test_without_network_it_says_so(tmp_path):
    # A proxy that is not there is how every way out can be shut for a process without being root.
    shut = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"), "http://127.0.0.1:9")
    nowhere = {"PIP_CONFIG_FILE": os.devnull, "PIP_FIND_LINKS": "", "PIP_RETRIES": "0", "UV_NO_CACHE": "1"}
    done = run(RUN_VENV=str(tmp_path / "venv"), RUN_VAR=str(tmp_path / "var"), **shut, **nowhere)
    assert refused(done, "no way to the package index; connect this machine")


def test_a_taken_port_is_one_sentence_that_names_another(tmp_path):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        done = run("--port", str(port), RUN_VAR=str(tmp_path))
    assert refused(done, f"Port {port} is taken", "./run --port")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "8000.5"])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    done = run(f"--port={port}", RUN_VAR=str(tmp_path))
    assert done.returncode == 2
    assert "a number from 1 to 65535" in done.stderr


def test_a_second_start_names_the_first(tmp_path):
    with lock.held(tmp_path / "run", "http://127.0.0.1:8123"):
        assert refused(run(RUN_VAR=str(tmp_path)), "running already at http://127.0.0.1:8123")


def test_a_damaged_settings_file_is_one_sentence(tmp_path):
    (tmp_path / "secrets").write_text("what is this\n")
    done = run("--port", "18431", RUN_VAR=str(tmp_path))
    assert refused(done, f"Line 1 of {tmp_path / 'secrets'} is not NAME=value")


def test_a_stripe_key_without_its_signing_secret_is_refused(tmp_path):
    done = run("--port", "18432", RUN_VAR=str(tmp_path), STRIPE_API_KEY="sk_test_x", STRIPE_WEBHOOK_SECRET="")
    assert refused(done, "STRIPE_WEBHOOK_SECRET is not")


def test_a_full_disk_is_one_sentence(tmp_path):
    command = ["unshare", "-Urm", "sh", "-c", TOO_SMALL_DISK, "sh", str(tmp_path), sys.executable, "18433"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this machine does not let us make a small disk")
    assert refused(done, "The disk is full", "has 8 MB")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_of_somebody_else_is_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    assert refused(run(RUN_VAR=str(tmp_path / "var")), "You may not write to")


def test_reset_asks_first(tmp_path):
    (tmp_path / "secrets").write_text("SECRET_KEY=kept\n")
    assert refused(run("reset", RUN_VAR=str(tmp_path)), "./run reset --yes")
    assert (tmp_path / "secrets").exists()


def test_reset_deletes_the_data_and_keeps_what_was_downloaded(tmp_path):
    (tmp_path / "postgres" / "data").mkdir(parents=True)
    (tmp_path / "system").mkdir()
    (tmp_path / "secrets").write_text("SECRET_KEY=gone\n")
    assert run("reset", "--yes", RUN_VAR=str(tmp_path)).returncode == 0
    assert not (tmp_path / "postgres").exists()
    assert not (tmp_path / "secrets").exists()
    assert (tmp_path / "system").exists()


def test_reset_leaves_a_running_portal_alone(tmp_path):
    (tmp_path / "secrets").write_text("SECRET_KEY=kept\n")
    with lock.held(tmp_path / "run", "http://127.0.0.1:8123"):
        assert refused(run("reset", "--yes", RUN_VAR=str(tmp_path)), "The portal is running")
    assert (tmp_path / "secrets").exists()


def test_flask_before_the_first_start_is_refused(tmp_path):
    assert refused(run("flask", "routes", RUN_VAR=str(tmp_path)), "has not been started here yet")


def test_the_doctor_has_no_fault_to_tell_of_a_resting_portal(tmp_path):
    done = run("doctor", RUN_VAR=str(tmp_path), PORT="18434")
    assert done.returncode == 0, done.stdout
    assert "does not run; start it with ./run" in done.stdout


def test_the_doctor_looks_at_a_portal_that_is_still_starting(tmp_path):
    with lock.held(tmp_path / "run", "http://127.0.0.1:8123"):
        done = run("doctor", RUN_VAR=str(tmp_path), PORT="18435", DATABASE_URL="")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr, done.stderr
    assert "the portal is still starting, or did not come so far" in done.stdout


def test_the_doctor_tells_a_fault_and_what_to_do(tmp_path):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        done = run("doctor", RUN_VAR=str(tmp_path), PORT=str(server.getsockname()[1]))
    assert done.returncode == 1
    assert "is taken by another program" in done.stdout
    assert "choose another port with ./run --port" in done.stdout
