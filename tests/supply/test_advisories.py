"""The audit of the pins against known vulnerabilities: silence is never a pass.

The real ``pip-audit`` asks a small server of ours that speaks the protocol of osv.dev.
"""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.support import advisories
from tests.support.advisories import UNANSWERED, Answer, audit, ignored_until, judge

CANARY = advisories.KNOWN_TO_BE_VULNERABLE.split("==")[0]
PIN = f"flask==3.1.2 \\\n    --hash=sha256:{'a' * 64}\n"


def advisory(name, identifier):
    affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [], "versions": []}]
    return {"id": identifier, "aliases": [], "summary": "It is bad.", "affected": affected}


class Service(ThreadingHTTPServer):
    """An advisory service that knows these packages to be vulnerable, and no other."""

    known: tuple[str, ...] = ()

    class RequestHandlerClass(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
            found = {"vulns": [advisory(asked, f"GHSA-{asked}")]} if asked in self.server.known else {}
            body = json.dumps(found).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass


@pytest.fixture
def service():
    server = Service(("127.0.0.1", 0), Service.RequestHandlerClass)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.options = ("--vulnerability-service", "osv", "--osv-url", f"http://127.0.0.1:{server.server_port}/")
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def pinned(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text(PIN)
    return file


@pytest.mark.parametrize(
    ("known", "code", "line"),
    [
        ((), UNANSWERED, "no advisory service can be reached"),
        ((CANARY,), 0, "1 packages, no known vulnerability"),
        ((CANARY, "flask"), 1, "flask 3.1.2: GHSA-flask, mended in no release yet"),
    ],
    ids=["knows nothing at all", "knows nothing of ours", "knows of ours"],
)
def test_only_a_service_that_knows_is_believed(service, pinned, known, code, line):
    service.known = known
    ended, lines = audit((pinned,), (service.options,))
    assert ended == code, lines
    assert lines[0].startswith(line)


def test_without_a_service_nothing_passes(pinned):
    away = ("--vulnerability-service", "osv", "--osv-url", "http://127.0.0.1:9/")
    assert audit((pinned,), (away,))[0] == UNANSWERED


def answer(*entries):
    return Answer({"dependencies": list(entries), "fixes": []}, "")


def vulnerable(identifier, *aliases):
    known = {"id": identifier, "aliases": list(aliases), "fix_versions": ["3.1.3"], "description": ""}
    return {"name": "flask", "version": "3.1.2", "vulns": [known]}


def test_a_pin_that_was_not_judged_is_a_fault():
    assert judge(answer(), {"flask"})[0] == 1
    assert judge(answer({"name": "flask", "skip_reason": "not found on PyPI"}), {"flask"})[0] == 1
    assert judge(answer({"name": "flask", "version": "3.1.3", "vulns": []}), {"flask"})[0] == 0


def test_an_ignored_advisory_is_known_by_each_of_its_names():
    for ignored in ({"PYSEC-1"}, {"GHSA-1"}):
        assert judge(answer(vulnerable("PYSEC-1", "GHSA-1")), {"flask"}, ignored)[0] == 0
    assert judge(answer(vulnerable("PYSEC-1", "GHSA-1")), {"flask"}, {"GHSA-2"})[0] == 1


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("requests.exceptions.ConnectionError: Max retries exceeded", UNANSWERED),
        ("timed out after 180 s", UNANSWERED),
        ("ERROR:pip_audit._cli:flask: Dependency not found on PyPI and could not be audited", 1),
        ("ERROR:pip_audit._cli:invalid requirements input: requirements.txt", 1),
        ("", 1),
    ],
)
def test_an_audit_that_broke_off_is_a_fault_unless_the_service_went_away(said, code):
    assert judge(Answer(None, said), {"flask"})[0] == code


def test_what_is_ignored_needs_a_reason_and_has_an_end():
    listing = "# why\n\nGHSA-1 2027-01-31 not called here\n"
    assert ignored_until(listing, date(2027, 1, 31)) == ({"GHSA-1"}, [])
    assert "looked at again by 2027-01-31" in ignored_until(listing, date(2027, 2, 1))[1][0]
    for line in ("GHSA-1 2027-01-31", "GHSA-1 not called here", "GHSA-1"):
        assert "is not: identifier, last day, reason" in ignored_until(line, date(2027, 1, 1))[1][0]


def test_the_list_of_ignored_advisories_can_be_read():
    assert ignored_until(advisories.IGNORED.read_text(), date.min)[1] == []
