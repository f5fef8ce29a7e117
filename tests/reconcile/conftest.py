"""A sandbox for these tests alone: they look through Stripe's lists, in which nobody else's objects may stand."""

from collections.abc import Iterator

import pytest
import requests

from tests.support import database, sandbox
from tests.support.sandbox import Sandbox


@pytest.fixture(scope="session", name="stripe_sandbox")
def fixture_stripe_sandbox() -> Iterator[Sandbox]:
    with sandbox.running() as running:
        yield running


@pytest.fixture(scope="session", name="shop")
def fixture_shop(template: str, stripe_sandbox: Sandbox) -> Iterator[str]:
    with database.published(template, stripe_sandbox.environment()) as name:
        yield name


@pytest.fixture(autouse=True)
def fixture_nothing_told(stripe_sandbox: Sandbox) -> None:
    """No events of the tests before, no tricks."""
    headers = {"Content-Type": "application/json"}
    requests.delete(f"{stripe_sandbox.url}/_sandbox/events", headers=headers, timeout=20).raise_for_status()
    stripe_sandbox.post("deliveries", mode="normal")
