"""Passwords: Argon2id hashes and the rules for a new password (ASVS 5.0, 6.2)."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from portal.errors import Invalid

MIN_LENGTH = 10
MAX_LENGTH = 256  # ASVS 6.2.9 asks for at least 64; without a cap a megabyte would be hashed
_COMMON = Path(__file__).with_name("common_passwords.txt")


@dataclass(frozen=True)
class Cost:
    """Argon2id parameters: memory in KiB, passes, lanes. The default lies above OWASP's floor (46 MiB, 1 pass)."""

    memory_kib: int = 47104
    passes: int = 2
    lanes: int = 1


TEST_COST = Cost(memory_kib=8, passes=1)  # for tests: ``app.extensions["password_cost"] = TEST_COST``


class WeakPassword(Invalid):
    """A new password that is too short, too long or among the first that anybody would guess."""

    code = "weak_password"
    message = "Choose another password: at least 10 characters, and none of the commonest ones."


def hash_password(password: str) -> str:
    """Return the Argon2id hash, parameters and salt included."""
    return _hasher(_cost()).hash(password)


def verify_password(stored: str | None, password: str) -> bool:
    """Whether ``password`` is the one behind ``stored``.

    ``None`` stands for an account that does not exist: the same work is done, so that the time of the
    answer does not tell whether it does.
    """
    cost = _cost()
    try:
        matches = _hasher(cost).verify(stored or _dummy_hash(cost), password)
    except (VerificationError, InvalidHashError):
        return False
    return matches and stored is not None


def needs_rehash(stored: str) -> bool:
    """Whether ``stored`` was made with other parameters than today's."""
    return _hasher(_cost()).check_needs_rehash(stored)


def check_new_password(password: str, *, email: str = "") -> None:
    """Raise :class:`WeakPassword` unless ``password`` may be set.

    No rules of composition (ASVS 6.2.5): length, the commonest passwords and what stands in the form
    beside it (the address) are what guessing begins with.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise WeakPassword
    lowered = password.casefold()
    core = lowered.strip("0123456789!?.,;:-_*#$@ ")
    owner = {email.casefold(), email.casefold().partition("@")[0]} - {""}
    if len(set(password)) < 4 or {lowered, core} & (_common_passwords() | owner):
        raise WeakPassword


def _cost() -> Cost:
    cost: Cost = current_app.extensions.get("password_cost", Cost())
    return cost


@lru_cache
def _hasher(cost: Cost) -> PasswordHasher:
    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=cost.lanes)


@lru_cache
def _dummy_hash(cost: Cost) -> str:
    return _hasher(cost).hash("no account has this password")


@lru_cache
def _common_passwords() -> frozenset[str]:
    return frozenset(_COMMON.read_text(encoding="utf-8").split())
