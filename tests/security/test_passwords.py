"""Hashing and the rules for new passwords."""

import pytest
from flask import Flask

from portal.security import passwords


@pytest.fixture(autouse=True)
def _app() -> object:
    app = Flask(__name__)
    app.extensions["password_cost"] = passwords.TEST_COST
    with app.app_context():
        yield


def test_a_hash_verifies_its_password_only() -> None:
    stored = passwords.hash_password("correct staple battery")
    assert stored.startswith("$argon2id$")
    assert passwords.verify_password(stored, "correct staple battery")
    assert not passwords.verify_password(stored, "correct staple batterz")
    assert not passwords.verify_password(stored, "")


def test_an_account_that_does_not_exist_has_no_password() -> None:
    assert not passwords.verify_password(None, "no account has this password")


def test_a_damaged_hash_is_a_wrong_password() -> None:
    assert not passwords.verify_password("damaged", "whatever it was")


def test_a_hash_of_other_parameters_is_made_anew() -> None:
    stored = passwords.hash_password("correct staple battery")
    assert not passwords.needs_rehash(stored)
    assert passwords.needs_rehash(stored.replace("m=8", "m=16"))


def test_the_real_cost_is_above_owasps_floor() -> None:
    cost = passwords.Cost()
    assert cost.memory_kib >= 47104
    assert cost.passes >= 1


@pytest.mark.parametrize(
    "password",
    [
        "short", "ninechars", "a" * 257, "password123", "Password123!", "qwertyuiop", "1234567890", "aaaaaaaaaaaa",
        "ababababab", "contraseña2024", "ana@example.com", "ANA@example.com", "changeme1234", "12345678910",
    ],
)  # fmt: skip
def test_a_guessable_password_is_refused(password: str) -> None:
    with pytest.raises(passwords.WeakPassword):
        passwords.check_new_password(password, email="ana@example.com")


@pytest.mark.parametrize(
    "password",
    [
        "correct staple battery", "     spaces   in front", "ñandú y ombú en flor", "👩‍🚀 goes to the moon",
        "8305719264", "x7" * 5 + "Qz", "a" * 100 + "bcd",
    ],
)  # fmt: skip
def test_any_other_password_is_accepted_without_rules_of_composition(password: str) -> None:
    passwords.check_new_password(password, email="ana@example.com")
