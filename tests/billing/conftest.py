"""Stripe's own API in tests of verbs, for what somebody does there without us."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.support import invariants
from tests.support.sandbox import AUTH, TIMEOUT, Sandbox


@pytest.fixture(name="post")
def fixture_post(stripe_sandbox: Sandbox) -> Callable[..., Any]:
    """``post("payment_methods/pm_1/detach", key=value)``: the answer's body."""

    def post(path: str, **form: Any) -> Any:
        answer = requests.post(f"{stripe_sandbox.url}/v1/{path}", form, auth=AUTH, timeout=TIMEOUT)
        assert answer.ok, answer.text
        return answer.json()

    return post


@pytest.fixture(autouse=True)
def fixture_money_holds(request: pytest.FixtureRequest) -> Iterator[None]:
    """What staff, tenants and Stripe did in a test has to add up."""
    yield from invariants.after_each_test(request)
