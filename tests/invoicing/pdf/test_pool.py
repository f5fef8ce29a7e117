"""The PDF process keeps its limits, is replaced when it breaks, and never takes the portal with it."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from portal.invoicing.pdf import (
    PdfFailed,
    PdfProcess,
    PdfTimeout,
    PdfUnavailable,
    PrintedPage,
    is_enabled,
    selfcheck,
)
from tests.invoicing.pdf.samples import HOSTILE, ONE_LINE

ROOT = Path(__file__).resolve().parents[3]


def asking(how: str):
    return replace(ONE_LINE, number=how)


@pytest.fixture
def bombs() -> Iterator[PdfProcess]:
    process = PdfProcess(enabled=True, seconds=1.0, worker="tests.invoicing.pdf.bombs")
    yield process
    process.close()


@pytest.fixture(scope="module")
def real() -> Iterator[PdfProcess]:
    process = PdfProcess(enabled=True)
    try:
        process.start()
    except PdfUnavailable:
        pytest.skip("WeasyPrint needs Pango")
    yield process
    process.close()


def gone(pid: int, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z" in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.02)
    return False


def test_the_real_process_renders_with_a_hash_and_stays_warm(real):
    first, pid = real.render(ONE_LINE), real.pid
    assert first.content.startswith(b"%PDF-")
    assert first.sha256 == hashlib.sha256(first.content).digest()
    assert real.render(ONE_LINE) == first
    assert real.render(HOSTILE).content != first.content
    assert real.pid == pid


def test_two_processes_give_the_same_bytes(real):
    other = PdfProcess(enabled=True)
    assert other.render(ONE_LINE) == real.render(ONE_LINE)
    other.close()


def test_the_portal_itself_never_imports_weasyprint():
    code = "import sys, portal.invoicing.pdf; sys.exit('weasyprint' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_a_killed_child_is_replaced_by_the_next_render(real):
    real.render(ONE_LINE)
    killed = real.pid
    os.kill(killed, signal.SIGKILL)
    assert real.render(ONE_LINE).content.startswith(b"%PDF-")
    assert real.pid != killed


@pytest.mark.parametrize("how", ["sleep", "spin"])
def test_a_slow_document_is_killed_in_time_and_the_next_one_works(bombs, how):
    bombs.start()
    pid, started = bombs.pid, time.monotonic()
    with pytest.raises(PdfTimeout):
        bombs.render(asking(how))
    assert time.monotonic() - started < 3
    assert gone(pid)
    assert bombs.render(ONE_LINE).content.startswith(b"%PDF fine")


@pytest.mark.parametrize("how", ["memory", "native-memory"])
def test_memory_is_bound_for_python_and_for_c(how):
    process = PdfProcess(enabled=True, worker="tests.invoicing.pdf.bombs")
    with pytest.raises(PdfFailed, match="MemoryError"):
        process.render(asking(how))
    assert process.render(ONE_LINE).content.startswith(b"%PDF fine")
    process.close()


def test_a_crash_is_tried_once_more_and_then_reported(bombs):
    with pytest.raises(PdfFailed, match="ended with -9"):
        bombs.render(asking("die"))
    assert bombs.render(ONE_LINE).content.startswith(b"%PDF fine")


@pytest.mark.parametrize("how", ["connect", "run"])
def test_the_child_reaches_no_network_and_starts_no_program(bombs, how):
    with pytest.raises(PdfFailed, match="PermissionError"):
        bombs.render(asking(how))


def test_a_failure_never_quotes_the_document(bombs):
    with pytest.raises(PdfFailed) as caught:
        bombs.render(asking("leak"))
    assert "secret" not in str(caught.value)
    assert "ValueError" in str(caught.value)


def test_what_a_library_prints_does_not_break_the_protocol(bombs):
    assert bombs.render(asking("print")).content == b"%PDF quiet"


def test_the_child_does_not_inherit_secrets(bombs, monkeypatch):
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_canary")
    monkeypatch.setenv("SECRET_KEY", "canary")
    names = set(bombs.render(asking("environment")).content.decode().split("\n"))
    assert not {"STRIPE_API_KEY", "SECRET_KEY", "DATABASE_URL"} & names


def test_the_child_is_replaced_after_so_many_documents():
    process = PdfProcess(enabled=True, max_documents=2, worker="tests.invoicing.pdf.bombs")
    pids = [process.render(ONE_LINE).content for _ in range(4)]
    assert pids[0] == pids[1] != pids[2] == pids[3]
    process.close()


def test_many_threads_share_one_child(bombs):
    documents = [asking("ok"), asking("leak")] * 8

    def outcome(document):
        try:
            return bombs.render(document).content[:9]
        except PdfFailed:
            return b"failed"

    with ThreadPoolExecutor(8) as threads:
        results = list(threads.map(outcome, documents))
    assert results == [b"%PDF fine", b"failed"] * 8


def test_the_temporary_folder_goes_with_the_child(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    process = PdfProcess(enabled=True, worker="tests.invoicing.pdf.bombs")
    process.start()
    assert [path.name.startswith("portal-pdf-") for path in tmp_path.iterdir()] == [True]
    os.kill(process.pid, signal.SIGKILL)
    process.render(ONE_LINE)
    process.close()
    assert list(tmp_path.iterdir()) == []


def test_the_child_ends_with_its_parent():
    code = (
        "import time; from portal.invoicing.pdf import PdfProcess\n"
        "process = PdfProcess(enabled=True, worker='tests.invoicing.pdf.bombs'); process.start()\n"
        "print(process.pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(child)


def test_a_child_whose_parent_died_during_a_document_ends_by_itself():
    code = (
        "from portal.invoicing.pdf import PdfProcess; from tests.invoicing.pdf.test_pool import asking\n"
        "process = PdfProcess(enabled=True, seconds=0.5, worker='tests.invoicing.pdf.bombs')\n"
        "process.start(); process._seconds = 60; print(process.pid, flush=True)\n"
        "process.render(asking('spin'))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert gone(child, 6)


def test_a_forked_copy_starts_a_child_of_its_own(bombs):
    bombs.start()
    holding = threading.Lock()
    reading, writing = os.pipe()
    with holding, bombs._lock:  # as if another thread were rendering at the moment of the fork
        forked = os.fork()
        if forked == 0:
            os.write(writing, bombs.render(ONE_LINE).content.split()[-1])
            bombs.close()
            os._exit(0)
    os.waitpid(forked, 0)
    theirs = int(os.read(reading, 32))
    os.close(reading)
    os.close(writing)
    ours = int(bombs.render(ONE_LINE).content.split()[-1])
    assert ours == bombs.pid != theirs


def test_without_pango_the_reason_is_said_and_nothing_is_left_running():
    process = PdfProcess(enabled=True, worker="tests.invoicing.pdf.unavailable")
    with pytest.raises(PdfUnavailable, match="Pango cannot be loaded: OSError"):
        process.render(ONE_LINE)
    assert process.pid is None
    assert selfcheck(process).state == "failed"


def test_a_worker_that_does_not_start_is_reported():
    process = PdfProcess(enabled=True, worker="tests.invoicing.pdf.no_such_module")
    with pytest.raises(PdfUnavailable, match="did not start: 1"):
        process.render(ONE_LINE)


def test_switched_off(monkeypatch):
    monkeypatch.setenv("PORTAL_PDF", "off")
    process = PdfProcess()
    with pytest.raises(PdfUnavailable, match="switched off"):
        process.render(ONE_LINE)
    assert selfcheck().state == "off"
    assert not is_enabled({"PORTAL_PDF": "OFF"})
    assert is_enabled({})


def test_selfcheck_with_the_real_process(real):
    check = selfcheck(real)
    assert (check.state, check.seconds < 10) == ("ok", True)


def test_a_page_is_printed_by_the_same_process_under_the_same_limits(real):
    page = PrintedPage(html='<html lang="en"><head><title>Usage</title></head><body><p>One page</p></body></html>')
    first, pid = real.render(page), real.pid
    assert first.content.startswith(b"%PDF-")
    assert real.render(ONE_LINE).content.startswith(b"%PDF-")
    assert real.render(page) == first
    assert real.pid == pid


@pytest.mark.parametrize(
    "reached_out",
    [
        '<img src="file:///etc/passwd" alt="">',
        '<img src="http://127.0.0.1:9/" alt="">',
        '<link rel="stylesheet" href="http://127.0.0.1:9/">',
    ],
)
def test_a_page_fetches_nothing(real, reached_out):
    page = f'<html lang="en"><head><title>x</title></head><body>{reached_out}</body></html>'
    with pytest.raises(PdfFailed):
        real.render(PrintedPage(html=page))
