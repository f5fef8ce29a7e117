"""A warm PDF process with hard limits, replaced whenever it misbehaves.

Rendering costs 0.7 s in a new interpreter and a tenth of that in a warm one, and a hostile document can
eat any amount of time and memory: so one child stays warm, and is killed rather than trusted.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from portal.invoicing.pdf import frames
from portal.invoicing.pdf.document import InvoiceDocument
from portal.invoicing.pdf.failures import PdfFailed, PdfTimeout, PdfUnavailable
from portal.invoicing.pdf.page import PrintedPage

MEMORY_BYTES = 512 * 2**20
SECONDS = 10.0
START_SECONDS = 30.0
MAX_DOCUMENTS = 500

_ROOT = Path(__file__).resolve().parents[3]
_WORKER = "portal.invoicing.pdf.worker"
# What Python, Pango and fontconfig need; secrets of the portal's environment stay outside.
_PASSED_ON = frozenset(
    {"PATH", "HOME", "LANG", "PYTHONPATH", "XDG_CACHE_HOME", "FONTCONFIG_FILE", "FONTCONFIG_PATH"}
    | {"LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONPYCACHEPREFIX"}
)


@dataclass(frozen=True)
class RenderedPdf:
    """A PDF and the SHA-256 of its bytes (32 raw bytes, as the database keeps it)."""

    content: bytes
    sha256: bytes


def is_enabled(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether PDFs are wanted: ``PORTAL_PDF=off`` is set by a machine that has no Pango."""
    return environ.get("PORTAL_PDF", "on").strip().lower() not in ("off", "0", "false", "no")


class PdfProcess:
    """Renders documents one at a time in a child process; any number of threads may share it.

    Seconds are wall-clock. ``worker`` is the module that the child runs. A forked copy of the portal
    starts a child of its own instead of talking into its parent's.
    """

    def __init__(
        self,
        *,
        enabled: bool | None = None,
        memory_bytes: int = MEMORY_BYTES,
        seconds: float = SECONDS,
        max_documents: int = MAX_DOCUMENTS,
        worker: str = _WORKER,
    ) -> None:
        self.enabled = is_enabled() if enabled is None else enabled
        self._seconds, self._max_documents = seconds, max_documents
        self._command = [sys.executable, "-m", worker, str(memory_bytes), str(seconds + 2)]
        self._lock = threading.Lock()
        self._child: _Child | None = None
        _processes.add(self)

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Warm the child up now, so that the first document does not wait for it. Raises as ``render``."""
        with self._lock:
            self._ready_child()

    def render(self, document: InvoiceDocument | PrintedPage) -> RenderedPdf:
        """Return the document as PDF. Raises PdfTimeout, PdfFailed or PdfUnavailable."""
        kind = frames.PAGE if isinstance(document, PrintedPage) else frames.DOCUMENT
        request = _Request(kind, json.dumps(document.to_json()).encode())
        with self._lock:
            try:
                content = self._exchange(request)
            except EOFError:
                # It may have been killed between two documents, so a new one gets the same document once.
                content = self._exchange_again(request)
        return RenderedPdf(content, hashlib.sha256(content).digest())

    def close(self) -> None:
        """End the child. The next ``render`` starts another."""
        with self._lock:
            self._discard()

    def forget_after_fork(self) -> None:
        """In a forked copy: the child and the lock belong to the parent."""
        self._lock, self._child = threading.Lock(), None

    def _exchange_again(self, request: "_Request") -> bytes:
        try:
            return self._exchange(request)
        except EOFError as error:
            raise PdfFailed(reason=str(error)) from error

    def _exchange(self, request: "_Request") -> bytes:
        child = self._ready_child()
        try:
            kind, content = child.ask(request, self._seconds)
        except TimeoutError as error:
            self._discard()
            raise PdfTimeout(seconds=self._seconds) from error
        except (EOFError, BrokenPipeError) as error:
            raise EOFError(f"the renderer ended with {self._discard()}") from error
        if kind != frames.PDF:
            # What a failure left behind (memory, half-built caches) is not worth finding out.
            self._discard()
            raise PdfFailed(reason=content.decode("ascii", "replace"))
        if child.documents >= self._max_documents:
            self._discard()
        return content

    def _ready_child(self) -> "_Child":
        if not self.enabled:
            raise PdfUnavailable(reason="switched off")
        if self._child and not self._child.is_alive():
            self._discard()
        if not self._child:
            self._child = _Child(self._command)
            self._await_ready(self._child)
        return self._child

    def _await_ready(self, child: "_Child") -> None:
        try:
            kind, content = child.hear(START_SECONDS)
        except (TimeoutError, EOFError) as error:
            raise PdfUnavailable(reason=f"the renderer did not start: {self._discard()}") from error
        if kind != frames.READY:
            self._discard()
            raise PdfUnavailable(reason=f"Pango cannot be loaded: {content.decode('ascii', 'replace')}")

    def _discard(self) -> int | None:
        child, self._child = self._child, None
        return child.end() if child else None


class _Request(NamedTuple):
    kind: bytes
    content: bytes


class _Child:
    """One interpreter with its pipes and its temporary folder."""

    def __init__(self, command: list[str]) -> None:
        self.documents = 0
        # WeasyPrint unpacks fonts into the temporary folder and cannot clean up when it is killed.
        self._folder = tempfile.mkdtemp(prefix="portal-pdf-")
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            cwd=_ROOT,
            env=_environment() | {"TMPDIR": self._folder},
            start_new_session=True,  # Ctrl-C reaches the portal alone, which finishes what it renders
        )
        self._requests, self._answers = _descriptor(self._process.stdin), _descriptor(self._process.stdout)
        self.pid = self._process.pid
        self._end = weakref.finalize(self, _end, self._process, self._folder, os.getpid())

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: _Request, seconds: float) -> tuple[bytes, bytes]:
        deadline = time.monotonic() + seconds
        self.documents += 1
        frames.send(self._requests, request.kind, request.content, deadline)
        return frames.receive(self._answers, deadline)

    def hear(self, seconds: float) -> tuple[bytes, bytes]:
        return frames.receive(self._answers, time.monotonic() + seconds)

    def end(self) -> int | None:
        """Kill, wait and clean up; return the exit code (negative: the signal)."""
        return self._end()


def _descriptor(pipe: IO[bytes] | None) -> int:
    if pipe is None:
        raise PdfUnavailable(reason="the renderer has no pipe")
    os.set_blocking(pipe.fileno(), False)
    return pipe.fileno()


def _end(process: "subprocess.Popen[bytes]", folder: str, owner: int) -> int | None:
    if os.getpid() != owner:
        return None
    process.kill()
    code = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()
    shutil.rmtree(folder, ignore_errors=True)
    return code


def _environment() -> dict[str, str]:
    return {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


def _forget_all_after_fork() -> None:
    for process in list(_processes):
        process.forget_after_fork()


_processes: "weakref.WeakSet[PdfProcess]" = weakref.WeakSet()
os.register_at_fork(after_in_child=_forget_all_after_fork)
