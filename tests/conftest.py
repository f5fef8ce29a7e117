"""What every test can use: real PostgreSQL and Redis protocol, a real sandbox, an app on a database of its own."""

from collections.abc import Callable, Iterator
from uuid import UUID

import pytest
from apiflask import APIFlask
from flask.testing import FlaskClient

from portal import config
from portal.app import create_app
from portal.gateway.client import TokenBucket
from portal.invoicing.pdf import PdfProcess
from tests.support import database, people, sandbox
from tests.support.sandbox import Sandbox
from tests.support.shopping import make_tenant

pytest_plugins = [
    "tests.support.services",
    "tests.support.templates",
    "tests.support.skips",
    "tests.support.chromium",
    "tests.support.pdf",
]


@pytest.fixture(scope="session", name="template")
def fixture_template() -> str:
    """A migrated database with plans that are not published."""
    return database.make_template()


@pytest.fixture(scope="session", name="stripe_sandbox")
def fixture_stripe_sandbox() -> Iterator[Sandbox]:
    """This worker's sandbox; tests keep to their own customers in it."""
    with sandbox.running() as running:
        yield running


@pytest.fixture(scope="session", name="shop")
def fixture_shop(template: str, stripe_sandbox: Sandbox) -> Iterator[str]:
    """A template whose plans are published to this worker's sandbox and whose account is bound."""
    with database.published(template, stripe_sandbox.environment()) as name:
        yield name


@pytest.fixture(name="settings")
def fixture_settings(shop: str, stripe_sandbox: Sandbox) -> Iterator[config.Settings]:
    """Settings of a portal on a database of this test alone, with published plans."""
    with database.cloned(shop) as name:
        yield config.load(database.environment(name, **stripe_sandbox.environment()))


def _app(role: config.Role, settings: config.Settings) -> Iterator[APIFlask]:
    from blueprints import PAGES

    app = people.prepare(create_app(role, settings=settings, blueprints=PAGES if role == "web" else ()))
    app.testing = True
    with app.app_context():
        yield app
        database.dispose(app)


@pytest.fixture(name="app")
def fixture_app(settings: config.Settings) -> Iterator[APIFlask]:
    """The web app, with its context pushed: on the web role, row-level security in force."""
    yield from _app("web", settings)


@pytest.fixture(name="client")
def fixture_client(app: APIFlask) -> FlaskClient:
    return app.test_client()


@pytest.fixture(name="web")
def fixture_web(settings: config.Settings) -> Iterator[APIFlask]:
    """The web role without pages, for tests of verbs."""
    app = create_app("web", settings=settings)
    with app.app_context():
        yield app
        database.dispose(app)


@pytest.fixture(name="tenant")
def fixture_tenant(request: pytest.FixtureRequest) -> UUID:
    """A tenant of this test; needs ``web`` or ``app``, whichever the test uses."""
    request.getfixturevalue("app" if "app" in request.fixturenames else "web")
    return make_tenant()


@pytest.fixture(scope="session", name="renderer")
def fixture_renderer() -> Iterator[PdfProcess]:
    """One warm renderer for all tests of this xdist worker; each start of one costs a second and a half."""
    process = PdfProcess()
    yield process
    process.close()


@pytest.fixture(name="worker")
def fixture_worker(settings: config.Settings, renderer: PdfProcess) -> Iterator[APIFlask]:
    """The app on the worker role."""
    app = create_app("worker", settings=settings)
    app.extensions["pdf_process"] = renderer
    app.extensions["gateway"]._reads = TokenBucket(1000.0)  # the sandbox has no limit to keep under
    yield app
    with app.app_context():
        database.dispose(app)


@pytest.fixture(name="drain")
def fixture_drain(worker: APIFlask) -> Callable[[], int]:
    """Do all that is owed now, as a worker would."""
    from jobs.drain import drain

    def run() -> int:
        with worker.app_context():
            return drain()

    return run
