"""The PDF process: ``python -m portal.invoicing.pdf.worker``. Documents in, PDFs out, nothing else.

It runs with little memory, no network and no way to start programs, and ends when its parent does:
the pipe that it reads from closes then.
"""

import contextlib
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any, BinaryIO

from portal.invoicing.pdf import frames
from portal.invoicing.pdf.document import InvoiceDocument
from portal.invoicing.pdf.page import PrintedPage
from portal.invoicing.pdf.specimen import SPECIMEN

Render = Callable[[Any], bytes]  # of an InvoiceDocument or a PrintedPage

_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "urllib.Request")


def load_renderer() -> Render:
    """Return the real renderer, warm. Raises OSError when the system lacks Pango.

    The import is here because it loads Pango, which must happen under the limits.
    """
    from portal.invoicing.pdf.renderer import render

    render(SPECIMEN)
    return render


def serve(memory_bytes: int, seconds: float, load: Callable[[], Render] = load_renderer) -> None:
    """Answer documents from standard input until it closes.

    ``memory_bytes`` bounds the address space. ``seconds`` is a backstop for the case that the parent,
    which kills a slow child, is dead itself.
    """
    requests, answers = _private_streams()
    _limit(memory_bytes)
    try:
        render = load()
    except (ImportError, OSError) as error:
        frames.write(answers, frames.UNAVAILABLE, type(error).__name__.encode())
        return
    sys.addaudithook(_refuse_outside_world)
    frames.write(answers, frames.READY)
    while message := frames.read(requests):
        signal.setitimer(signal.ITIMER_REAL, seconds)
        kind, content = _answer(render, *message)
        signal.setitimer(signal.ITIMER_REAL, 0)
        frames.write(answers, kind, content)


def _answer(render: Render, kind: bytes, content: bytes) -> tuple[bytes, bytes]:
    document: type[InvoiceDocument | PrintedPage] = PrintedPage if kind == frames.PAGE else InvoiceDocument
    try:
        return frames.PDF, render(document.from_json(json.loads(content)))
    # WeasyPrint's refusal to fetch is a BaseException. The name alone is sent: messages quote the document.
    except BaseException as error:
        return frames.FAILED, type(error).__name__.encode()


def _private_streams() -> tuple[BinaryIO, BinaryIO]:
    """Keep the answer pipe to ourselves: a library that prints must not speak into the protocol."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return sys.stdin.buffer, answers


def _limit(memory_bytes: int) -> None:
    bounds = {resource.RLIMIT_CORE: 0, resource.RLIMIT_AS: memory_bytes, resource.RLIMIT_FSIZE: 16 * 2**20}
    for which, bound in bounds.items():
        # Some systems (macOS) refuse a limit on address space; the time limit still holds there.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(which, (bound, bound))


def _refuse_outside_world(event: str, _arguments: tuple[Any, ...]) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"the PDF process does not do {event}")


if __name__ == "__main__":
    serve(int(sys.argv[1]), float(sys.argv[2]))
