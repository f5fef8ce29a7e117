"""A pytest plugin: one private PostgreSQL and one Valkey for a whole test run, fast and thrown away after it.

They start in the controller and reach the xdist workers (and everything else that a test starts) through two
environment variables. Where these are set already, those servers are used and nothing is started:

    TEST_DATABASE_ADMIN_URL   a superuser's URL of the database `postgres`; tests make their own databases
    TEST_REDIS_URL            a Redis-compatible server that tests may flush
"""

import os
import shutil
import tempfile
from pathlib import Path

import psutil
import pytest

from portal.embedded import processes
from portal.embedded.postgres import PostgresServer
from portal.embedded.refusals import Refusal
from portal.embedded.valkey import ValkeyServer

DATABASE_VARIABLE = "TEST_DATABASE_ADMIN_URL"
REDIS_VARIABLE = "TEST_REDIS_URL"
_FOLDER_PREFIX = "billing-tests-"
_NOTE = "owner"
# A database of a test's own costs a third in memory of what it costs on a disk.
_MEMORY = Path("/dev/shm")  # noqa: S108
_ENOUGH_BYTES = 4 << 30


class TestServices:
    """What one test run started, in a folder of its own: in memory where there is plenty, else on disk."""

    __test__ = False

    def __init__(self) -> None:
        self._servers: list[PostgresServer | ValkeyServer] = []
        self._folder: Path | None = None

    def start(self) -> None:
        """Starts what the environment does not name. Raises Refusal when a server does not come up."""
        if not os.environ.get(DATABASE_VARIABLE):
            postgres = PostgresServer(self._home() / "postgres", self._home() / "postgres.log", fast=True)
            self._servers.append(postgres)
            postgres.start()
            os.environ[DATABASE_VARIABLE] = postgres.url("postgres")
        if not os.environ.get(REDIS_VARIABLE):
            valkey = ValkeyServer(self._home() / "valkey", self._home() / "valkey.log", fast=True)
            self._servers.append(valkey)
            valkey.start()
            os.environ[REDIS_VARIABLE] = valkey.url()

    def stop(self) -> None:
        """Ends what was started and removes its folder."""
        for server in reversed(self._servers):
            server.stop(grace_seconds=5)
        self._servers.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _home(self) -> Path:
        if self._folder is None:
            _remove_abandoned()
            self._folder = Path(tempfile.mkdtemp(prefix=_FOLDER_PREFIX, dir=_MEMORY if _has_room() else None))
            # The server may run as another user when we are root, and has to get through this folder.
            self._folder.chmod(0o711)
            processes.record(self._folder, _NOTE, os.getpid())
        return self._folder


def _has_room() -> bool:
    """Whether memory can hold a run's databases; a container's share of /dev/shm is often 64 MB."""
    if not os.access(_MEMORY, os.W_OK):
        return False
    return min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available // 2) > _ENOUGH_BYTES


def _remove_abandoned() -> None:
    """Removes the folders of runs that were killed; their servers ended with them."""
    for place in (_MEMORY, Path(tempfile.gettempdir())):
        for folder in place.glob(f"{_FOLDER_PREFIX}*"):
            if (folder / f"{_NOTE}.json").exists() and processes.recorded(folder, _NOTE) is None:
                shutil.rmtree(folder, ignore_errors=True)


_services = TestServices()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    only_looks = config.option.collectonly or config.option.help or getattr(config.option, "version", 0)
    if hasattr(config, "workerinput") or only_looks:
        return
    try:
        _services.start()
    except Refusal as refusal:
        _services.stop()
        raise pytest.UsageError(str(refusal)) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _services.stop()
