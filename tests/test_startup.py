"""Processes that must not start: on another Stripe account, with a refused key, without settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from tests.support import database
from tests.support.live import COMMANDS, free_port

ROOT = Path(__file__).parents[1]


def end_of(name: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Start a process of the portal and wait until it has refused."""
    return subprocess.run(
        [sys.executable, *COMMANDS[name]],
        cwd=ROOT,
        env={**os.environ, **environment, "PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(name="environment")
def fixture_environment(settings, stripe_sandbox) -> dict[str, str]:
    name = settings.role_url("owner").database
    return database.environment(str(name), **stripe_sandbox.environment())


@pytest.mark.parametrize("name", ["web", "worker", "ticker"])
def test_another_account_is_refused_with_a_sentence(name, settings, environment):
    engine = create_engine(settings.role_url("owner"))
    with engine.begin() as connection:
        connection.execute(text("UPDATE installation SET stripe_account_id = 'acct_of_somebody_else'"))
    engine.dispose()
    ended = end_of(name, environment)
    assert ended.returncode != 0
    assert "belongs to acct_of_somebody_else" in ended.stderr
    assert "start with an empty database" in ended.stderr


@pytest.mark.parametrize("name", ["worker", "web"])
def test_a_missing_setting_is_refused_with_its_name(name, environment):
    ended = end_of(name, {**environment, "SECRET_KEY": "short"})
    assert ended.returncode != 0
    assert "SECRET_KEY must have at least 32 characters" in ended.stderr


def test_a_live_key_is_refused_by_the_sandbox(environment):
    ended = end_of("worker", {**environment, "STRIPE_API_KEY": "sk_live_whatever"})
    assert ended.returncode != 0
    assert "live Stripe key" in ended.stderr
