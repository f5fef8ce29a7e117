"""What the properties of prices share."""

from typing import Any

import pytest

from portal.gateway.client import TokenBucket


@pytest.fixture(name="unhurried")
def fixture_unhurried(web: Any) -> Any:
    web.extensions["gateway"]._reads = TokenBucket(100_000.0)  # the sandbox has no limit to keep under
    return web
