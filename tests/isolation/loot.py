"""What attackers know of the victim: every id and name of hers, and for each a value of the same shape of nobody."""

import base64
import json
import random
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from portal.ids import uuid7
from tests.isolation.snapshots import Snapshot
from tests.isolation.world import AMOUNT_TEXTS, CANARY, World

_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_TOKEN = re.compile(r"[A-Za-z0-9_.:@-]{12,80}")
_PARTS = {CANARY, CANARY.lower(), *AMOUNT_TEXTS}  # nobody would take them for an id
_DIGITS = 3  # what a machine made has so many at least
_random = random.Random(20)  # seeded: a failure can be seen again


@dataclass(frozen=True)
class Loot:
    """``named``: one value for each name that a request may give it; ``values``: all of them, each once.

    ``marks``: what no answer to anybody else may contain, ids included.
    """

    named: Mapping[str, str]
    values: tuple[str, ...]
    marks: frozenset[str]

    @property
    def uuids(self) -> tuple[str, ...]:
        """One id of each kind, for parameters of the path."""
        return tuple(dict.fromkeys(each for each in self.named.values() if is_uuid(each)))


def of(world: World) -> Loot:
    """Everything that the victim has, read from the rows themselves."""
    named = _named(world.before, world)
    secrets = world.before.secrets_of(world.victim_id, world.victim.user_id)
    marks = {each for each in secrets if _is_mark(each)} | _PARTS
    others = (each for each in sorted(marks) if _TOKEN.fullmatch(each) and each not in _PARTS)
    values = dict.fromkeys([*named.values(), *others])
    return Loot(named, tuple(values), frozenset(marks))


def missing_like(value: str) -> str:
    """A value of the same shape and length that nobody has."""
    if is_uuid(value):
        return str(uuid7())
    if (cursor := _cursor_of(value)) is not None:
        return make_cursor(cursor[0], str(uuid7()))
    kept, _, rest = value.rpartition("_") if "_" in value else ("", "", value)
    made = "".join(_other(char) for char in rest)
    return f"{kept}_{made}" if kept else made


def make_cursor(created_at: str, invoice_id: str) -> str:
    """A cursor as the list of invoices hands it out."""
    return base64.urlsafe_b64encode(json.dumps([created_at, invoice_id]).encode()).decode()


def is_uuid(value: str) -> bool:
    """Whether a parameter of the path would take it."""
    try:
        return str(UUID(value)) == value
    except ValueError:
        return False


def _named(before: Snapshot, world: World) -> dict[str, str]:
    """Ids by the names that requests would use: ``invoice_id``, ``session_id``, ``stripe_subscription_id``."""
    found: dict[str, str] = {}
    rows = [*before.of_tenant(world.victim_id), *before.of_user(world.victim.user_id)]
    for table, row in rows:
        for column, value in row.items():
            if isinstance(value, str) and value and (column == "id" or column.endswith("_id")):
                for name in _names(table, column):
                    found.setdefault(name, value)
    # Rows name other people and plans too; these are hers.
    invoice = next(row for table, row in rows if table == "invoices" and CANARY in str(row["number"]))
    found |= {"tenant_id": str(world.victim_id), "user_id": str(world.victim.user_id), "email": world.victim.email}
    found |= {"number": invoice["number"], "invoice_id": invoice["id"]}
    found["after"] = make_cursor(invoice["created_at"], invoice["id"])
    for name in [name for name in found if name.endswith(("plan_id", "plan_price_id", "coupon_id"))]:
        found.pop(name)
    return found


def _names(table: str, column: str) -> list[str]:
    """``payment_methods.id`` is a ``payment_method_id`` and a ``method_id``; other columns keep their names."""
    if column != "id":
        return [column]
    words = re.sub(r"ies$", "y", table.removesuffix("s") if not table.endswith("ies") else table).split("_")
    return ["_".join([*words[start:], "id"]) for start in range(len(words))]


def _is_mark(text: str) -> bool:
    """Whether the text can only be hers: a canary, or long and made by a machine; not a moment, not prose."""
    if CANARY.casefold() in text.casefold():
        return True
    is_made = " " not in text and len(text) >= 12 and sum(char.isdigit() for char in text) >= _DIGITS
    return is_made and not _MOMENT.match(text) and "/3." not in text


def _cursor_of(value: str) -> list[str] | None:
    try:
        found = json.loads(base64.urlsafe_b64decode(value))
    except ValueError:
        return None
    return found if isinstance(found, list) else None


def _other(char: str) -> str:
    for letters in (string.digits, string.ascii_lowercase, string.ascii_uppercase):
        if char in letters:
            return _random.choice(letters)
    return char


def shape_of(value: str) -> str:
    """What values have in common that every handler must answer alike."""
    if is_uuid(value):
        return "uuid"
    return re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"\d", "0", value)))
