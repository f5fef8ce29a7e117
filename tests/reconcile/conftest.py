"""A sandbox for these tests alone: they look through Stripe's lists, in which nobody else's objects may stand."""

from collections.abc import Iterator

import pytest
import requests

from tests.support import database, sandbox
from tests.support.sandbox import AUTH, Sandbox


@pytest.fixture(scope="session", name="stripe_sandbox")
def fixture_stripe_sandbox() -> Iterator[Sandbox]:
    with sandbox.running() as running:
        yield running


@pytest.fixture(scope="session", name="shop")
def fixture_shop(template: str, stripe_sandbox: Sandbox) -> Iterator[str]:
    with database.published(template, stripe_sandbox.environment()) as name:
        yield name


@pytest.fixture(autouse=True)
def fixture_clean_account(stripe_sandbox: Sandbox) -> None:
    """No tricks, and nothing of the tests before: no events, no subscription that would be a stranger's."""
    stripe_sandbox.post("deliveries", mode="normal")
    for subscription in stripe_sandbox.listed("subscriptions"):
        address = f"{stripe_sandbox.url}/v1/subscriptions/{subscription['id']}"
        requests.delete(address, auth=AUTH, timeout=20).raise_for_status()
    requests.delete(f"{stripe_sandbox.url}/_sandbox/events", json={}, timeout=20).raise_for_status()
