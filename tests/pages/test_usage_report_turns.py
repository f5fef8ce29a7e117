"""Many who ask for a report at once, by real requests: each tenant has one made at a time, in whatever process."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Thread

import pytest
import requests
from apiflask import APIFlask
from redis import Redis
from werkzeug.serving import make_server

from blueprints import PAGES
from portal.config import Settings
from portal.invoicing.pdf import PdfProcess
from portal.usage.report_turns import ReportTurns, ReportUnderWay
from tests.pages import rows, usage_rows
from tests.support import people
from tests.support.people import Browser, Person
from tests.support.threads import app_of

pytestmark = pytest.mark.usefixtures("pdf")
PATH = "/usage/report.pdf"


@contextmanager
def served(app: APIFlask) -> Iterator[str]:
    """The app on a port of its own, a thread for each request."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


@contextmanager
def halted(renderer: PdfProcess) -> Iterator[None]:
    """The renderer stands still: what is being printed is not done before this is left."""
    renderer.start()
    assert renderer.pid
    os.kill(renderer.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(renderer.pid, signal.SIGCONT)


def fetching(url: str, person: Person) -> Callable[[], requests.Response]:
    """Sign in as somebody in a browser; what is returned asks for the report."""
    browser = requests.Session()
    token = people.form_token(browser.get(f"{url}/sign-in", timeout=30).text)
    form = {"email": person.email, "password": person.password, "csrf_token": token}
    assert browser.post(f"{url}/sign-in", data=form, timeout=30).status_code == 200
    return lambda: browser.get(url + PATH, timeout=30)


@pytest.fixture(name="reporter")
def fixture_reporter(person: Person) -> Person:
    usage_rows.report(person.tenant_id, "api_calls", 5, rows.NOW)
    return person


def await_turn(redis: Redis, person: Person) -> None:
    """Until a report of the person's tenant is being made."""
    deadline = time.monotonic() + 30
    while not redis.exists(f"usage:report:{person.tenant_id}"):
        assert time.monotonic() < deadline, "nobody's turn"
        time.sleep(0.01)


def test_the_second_is_told_to_wait_and_nobody_else_is(
    app: APIFlask, settings: Settings, reporter: Person, renderer: PdfProcess
) -> None:
    other_process = people.prepare(app_of("web", settings, blueprints=PAGES))
    app.extensions["pdf_process"] = other_process.extensions["pdf_process"] = renderer
    colleague, stranger = people.member(reporter.tenant_id, "viewer"), people.member()
    usage_rows.report(stranger.tenant_id, "api_calls", 5, rows.NOW)
    redis = Redis.from_url(settings.redis_url)
    with served(app) as here, served(other_process) as there, ThreadPoolExecutor(8) as pool:
        first_one, foreign_one, last_one = (
            fetching(here, reporter),
            fetching(here, stranger),
            fetching(there, colleague),
        )
        at_once = [fetching(url, who) for url in (here, there) for who in (reporter, colleague)]
        with halted(renderer):
            first = pool.submit(first_one)
            await_turn(redis, reporter)
            foreign = pool.submit(foreign_one)
            refused = [each.result() for each in [pool.submit(ask) for ask in at_once]]
            assert not first.done()
        assert first.result().content.startswith(b"%PDF")
        assert foreign.result().content.startswith(b"%PDF")
        assert [answer.status_code for answer in refused] == [429] * 4
        assert all("A report of your organisation is being made already." in answer.text for answer in refused)
        assert {answer.headers["Retry-After"] for answer in refused} == {"5"}
        assert last_one().status_code == 200, "the turn was given back"


def test_a_turn_holds_in_a_process_without_redis_and_is_given_back_after_a_failure(person: Person) -> None:
    turns = ReportTurns("redis://127.0.0.1:1/0")
    with pytest.raises(ReportUnderWay), turns.one(person.tenant_id), turns.one(person.tenant_id):
        pass
    with turns.one(person.tenant_id):
        pass


def test_a_renderer_that_is_off_says_so_in_words_of_the_report(
    app: APIFlask, browser: Browser, reporter: Person
) -> None:
    app.extensions["pdf_process"] = PdfProcess(enabled=False)
    answer = browser.get(PATH)
    assert answer.status_code == 503
    assert "The report could not be made as a PDF." in answer.text
    assert browser.get(PATH).status_code == 503, "not 429: the turn was given back"
