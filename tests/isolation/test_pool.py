"""Connections go from tenant to tenant, also after requests that died half-way; what one bound, the next never sees."""

import io
import os
import random
import secrets
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask import before_render_template, g, request

from blueprints import PAGES
from portal import config
from portal.app import create_app
from portal.tenancy import Binding
from tests.isolation import crowd
from tests.isolation.crowd import Regular, Tally
from tests.support import database, people
from tests.support.people import Browser
from tests.support.sandbox import Sandbox

# Ten thousand with CROWD=10000; every run of the suite tries others.
CROWD = int(os.environ.get("CROWD", "2500"))
IN_TRANSACTIONS, THROUGH_PAGES = CROWD * 9 // 10, CROWD // 8
THREADS = 6  # one more than there are connections
ABORT = "X-Abort"  # of these tests; the portal knows no such header
PATHS = ("/", "/invoices", "/account", "/plans", "/invoices/{invoice}")


@pytest.fixture(scope="module", name="settings")
def fixture_settings(shop: str, stripe_sandbox: Sandbox) -> Iterator[config.Settings]:
    """A pool that is smaller than the crowd."""
    with database.cloned(shop) as name:
        small = {"DB_POOL_SIZE": "5", "DB_MAX_OVERFLOW": "0", "LOG_LEVEL": "CRITICAL"}
        yield config.load(database.environment(name, **small, **stripe_sandbox.environment()))


@pytest.fixture(scope="module", name="app")
def fixture_app(settings: config.Settings) -> Iterator[APIFlask]:
    app = create_app("web", settings=settings, blueprints=PAGES)
    people.prepare(app)
    yield app
    with app.app_context():
        database.dispose(app)


@pytest.fixture(scope="module", name="regulars")
def fixture_regulars(settings: config.Settings, app: APIFlask) -> list[Regular]:
    return crowd.settle(settings, app)


def _seed() -> int:
    seed = secrets.randbits(32)
    print(f"\nseed {seed}")
    return seed


def test_transactions_on_shared_connections(settings: config.Settings, app: APIFlask, regulars: list[Regular]) -> None:
    tally = Tally()
    with crowd.killer(settings):
        crowd.run_all(
            IN_TRANSACTIONS,
            THREADS,
            lambda chance: crowd.ask_database(app, chance.choice(regulars), chance, tally),
            _seed(),
        )
    aborted = sum(count for kind, count in tally.done.items() if kind.startswith("aborted"))
    print(dict(tally.done))
    assert (tally.foreign, tally.blind) == ([], [])
    assert aborted >= IN_TRANSACTIONS * crowd.AT_LEAST_ABORTED
    assert {kind.removeprefix("aborted: ") for kind in tally.done if kind.startswith("aborted")} == set(crowd.WAYS)


def _fail_on_demand(_app: APIFlask, **_: object) -> None:
    """In the middle of a request: its rows are read, its page is not yet written."""
    how = request.headers.get(ABORT)
    if how and "has_failed" not in g:  # the page that reports the failure is rendered too
        g.has_failed = True
        crowd.abort(how)


class _Torn(io.RawIOBase):
    """A body whose sender goes away."""

    def read(self, *_: object) -> bytes:
        raise ConnectionResetError


def _ask_page(app: APIFlask, cookie: str, regular: Regular, chance: random.Random, tally: Tally) -> None:
    client = Browser(app, app.response_class, use_cookies=False)
    path = chance.choice(PATHS).format(invoice=regular.invoice_id)
    headers = {"Cookie": cookie}
    if chance.random() >= crowd.ABORTED:
        response = client.get(path, headers=headers)
        tally.note(f"{response.status_code}", [response.text], regular)
        assert regular.canary in response.text, path
        return
    how = chance.choice((*crowd.WAYS, "answer not read", "body torn"))
    tally.count("aborted")
    if how == "answer not read":
        client.get(path, headers=headers, buffered=False).close()
    elif how == "body torn":
        torn = {"wsgi.input": _Torn(), "CONTENT_LENGTH": "100", "CONTENT_TYPE": "application/x-www-form-urlencoded"}
        response = client.post("/account/preferences", headers=headers, environ_overrides=torn)
        tally.note(f"{how}: {response.status_code}", [response.text], regular)
    else:
        response = client.get(path, headers={**headers, ABORT: how})
        tally.note(f"{how}: {response.status_code}", [response.text], regular)


def test_pages_on_shared_connections(settings: config.Settings, app: APIFlask, regulars: list[Regular]) -> None:
    tally = Tally()
    cookies = {}
    for regular in regulars:
        found = people.browser(app, regular.person).get_cookie(app.config["SESSION_COOKIE_NAME"])
        assert found is not None
        cookies[regular.number] = f"{found.key}={found.value}"

    def ask(chance: random.Random) -> None:
        regular = chance.choice(regulars)
        _ask_page(app, cookies[regular.number], regular, chance, tally)

    with crowd.killer(settings), before_render_template.connected_to(_fail_on_demand, app):
        crowd.run_all(THROUGH_PAGES, THREADS, ask, _seed())
    print(dict(tally.done))
    assert tally.foreign == []
    assert tally.done["aborted"] >= THROUGH_PAGES * crowd.AT_LEAST_ABORTED


def test_a_tenant_that_stays_bound_is_noticed(
    app: APIFlask, regulars: list[Regular], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same crowd, with SET instead of SET LOCAL."""
    local = Binding.statements
    monkeypatch.setattr(Binding, "statements", lambda self: local(self).replace("SET LOCAL", "SET"))
    tally = Tally()
    with crowd.killer(app.extensions["settings"]):
        crowd.run_all(
            300, THREADS, lambda chance: crowd.ask_database(app, chance.choice(regulars), chance, tally), _seed()
        )
    assert any("unbound" in seen for seen in tally.foreign)
    with app.app_context():
        database.dispose(app)
