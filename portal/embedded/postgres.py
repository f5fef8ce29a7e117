"""A private PostgreSQL: made, started and stopped by us, reached over loopback with a generated password."""

import contextlib
import hashlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from portal.embedded import accounts, ports, postgres_binaries, postgres_cluster, processes
from portal.embedded.accounts import Account
from portal.embedded.postgres_binaries import Binaries
from portal.embedded.postgres_cluster import DATABASE, OWNER, Recipe
from portal.embedded.refusals import Refusal, last_lines

_READY_SECONDS = 60.0
# A postmaster that was killed stays a zombie, and its backends hold the shared memory, for some seconds.
_LEFTOVER_SECONDS = 5.0
_LEFTOVER_SIGNS = ("lock file", "shared memory block", "could not bind")
_OTHER_VERSION_SIGN = "database files are incompatible with server"
_SOCKET_PATH_BYTES = 90
# For tests only: the data does not survive a crash of the machine, and every commit is much faster.
_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "200",
}


class PostgresServer:
    """One cluster in `home` and the server on it. `home` is created with its first start.

    `fast` trades crash safety for speed and is for tests. `account` and `binaries` are found when not given.
    """

    name = "postgres"

    def __init__(
        self,
        home: Path,
        log: Path,
        *,
        fast: bool = False,
        account: Account | None = None,
        binaries: Binaries | None = None,
        shared: Path = Path("/var/lib/billing-portal"),
    ) -> None:
        self.log = log
        self._fast = fast
        self._account = account or accounts.choose()
        self._binaries = binaries or postgres_binaries.find()
        self._home = home.resolve()
        self._shared = shared
        self._port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port

    @property
    def data(self) -> Path:
        return self._home / "data"

    def url(self, database: str = DATABASE) -> str:
        """The owner's connection URL, password included."""
        password = (self._home / "password").read_text().strip()
        return f"postgresql://{OWNER}:{password}@{ports.LOOPBACK}:{self._port}/{database}"

    def start(self) -> None:
        """Makes the cluster if there is none, starts the server and waits until it takes connections.

        Raises Refusal with the server's last words when it does not come up.
        """
        self._settle_where_reachable()
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            recipe = Recipe(self._binaries, self._account, self.log, synced=not self._fast)
            postgres_cluster.create(self._home, recipe)
        self._account.adopt(self._home)
        self._clear_leftovers()
        self._port = ports.kept(self._home / "port")
        deadline = time.monotonic() + _LEFTOVER_SECONDS
        while not self._came_up():
            said = last_lines(self.log)
            if _OTHER_VERSION_SIGN in said:
                raise Refusal(self._other_version())
            if time.monotonic() > deadline or not any(sign in said for sign in _LEFTOVER_SIGNS):
                raise Refusal(f"PostgreSQL did not start; {self.log} ends with:\n{said}")
            time.sleep(0.25)

    def _other_version(self) -> str:
        major = (self.data / "PG_VERSION").read_text().strip()
        return (
            f"The data in {self.data} is of PostgreSQL {major}, and another version was started: go on with "
            f"{postgres_binaries.MAJOR_VARIABLE}={major}, or begin anew with ./run reset."
        )

    def stop(self, grace_seconds: float = 15) -> None:
        """Ends the server: connections are closed, the data is written, nothing has to be recovered later."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            # SIGQUIT lets the postmaster end its own children; after SIGKILL they would be orphans.
            process.send_signal(signal.SIGQUIT)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _settle_where_reachable(self) -> None:
        """Moves below /var/lib what another user could not reach, when we run as root in a closed folder."""
        if self._account.uid is None:
            return
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._account.can_enter(self._home.parent):
            folder = hashlib.sha256(str(self._home).encode()).hexdigest()[:16]
            (self._home / "moved-to").write_text(f"{self._shared / folder}\n")
            self._home = self._shared / folder
        self._shared.mkdir(mode=0o755, parents=True, exist_ok=True)
        if not self._account.can_run(self._binaries.postgres):
            release = hashlib.sha256(str(self._binaries.folder).encode()).hexdigest()[:16]
            self._binaries = self._binaries.copied_to(self._shared / f"postgresql-{release}")

    def _clear_leftovers(self) -> None:
        """Ends a server that a killed run left on our data, and removes the lock of one that is gone.

        PostgreSQL itself only sees that the number in its lock is in use: after a reboot by anybody.
        """
        lock = self.data / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return
        if processes.working_directory(pid) == self.data:
            processes.end_group(pid, signal.SIGINT, grace_seconds=15)
        elif processes.working_directory(pid) is not None or processes.identity(pid) is None:
            lock.unlink(missing_ok=True)

    def _came_up(self) -> bool:
        settings = {
            "listen_addresses": ports.LOOPBACK,
            "port": str(self._port),
            "unix_socket_directories": self._socket_folder(),
            "unix_socket_permissions": "0700",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **(_FAST if self._fast else {}),
        }
        arguments = [f"--{name}={value}" for name, value in settings.items()]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self._account.prefix, str(self._binaries.postgres), "-D", str(self.data), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=postgres_cluster.environment(),
                start_new_session=True,
                preexec_fn=processes.end_with_parent(signal.SIGINT),
                **self._account.identity(),
            )
        return self._wait_until_ready(self.process)

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        deadline = time.monotonic() + _READY_SECONDS
        while process.poll() is None:
            if self._says_ready(process.pid):
                return True
            if time.monotonic() > deadline:
                self.stop()
                raise Refusal(f"PostgreSQL was not ready after {_READY_SECONDS:.0f} seconds; see {self.log}.")
            time.sleep(0.02)
        return False

    def _says_ready(self, pid: int) -> bool:
        # The lock file names its server in line 1 and says in line 8 whether it takes connections.
        with contextlib.suppress(OSError):
            lines = (self.data / "postmaster.pid").read_text().splitlines()
            return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"
        return False

    def _socket_folder(self) -> str:
        """A folder for the unix socket, whose path may only be short; empty for none."""
        beside = self._home / "socket"
        if len(os.fsencode(beside)) > _SOCKET_PATH_BYTES:
            name = hashlib.sha256(str(self._home).encode()).hexdigest()[:12]
            beside = Path(tempfile.gettempdir()) / f"billing-{name}"
        beside.mkdir(mode=0o700, exist_ok=True)
        if beside.lstat().st_uid not in {os.geteuid(), self._account.uid}:
            return ""  # somebody else made it first, to listen in our place
        self._account.adopt(beside)
        return str(beside)
