"""A running portal for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.support import live
from tests.support.live import LivePortal


@pytest.fixture(scope="session", name="portal")
def fixture_portal(template: str) -> Iterator[LivePortal]:
    """One portal for all browser tests of a worker; each test has a tenant of its own."""
    with live.running(template) as portal:
        yield portal
        assert portal.errors() == []
