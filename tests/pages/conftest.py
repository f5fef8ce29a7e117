"""Pages are looked at by a signed-in member of a tenant of its own."""

from collections.abc import Callable, Iterator

import pytest
from apiflask import APIFlask
from sqlalchemy.orm import Session

from portal.config import Settings
from tests.pages import rows
from tests.support import people
from tests.support.people import Browser, Person


@pytest.fixture(name="person")
def fixture_person(app: APIFlask) -> Person:
    """The owner of a new tenant."""
    people.prepare(app)
    return people.member()


@pytest.fixture(name="browser")
def fixture_browser(app: APIFlask, person: Person) -> Browser:
    """A browser signed in as the owner."""
    return people.browser(app, person)


@pytest.fixture(name="write")
def fixture_write(settings: Settings, app: APIFlask) -> Iterator[Session]:
    """A session that writes rows as the mirror would; call ``commit()`` before looking at a page."""
    with rows.written(settings) as session:
        yield session


@pytest.fixture(name="fragment")
def fixture_fragment(browser: Browser) -> Callable[[str], str]:
    """What htmx gets when it asks for a fragment of a path."""
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"}
    return lambda path: browser.get(path, headers=headers).text
