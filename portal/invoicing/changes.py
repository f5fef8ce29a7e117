"""What is different on the next invoice from the last one, line by line. Pure; amounts in minor units."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["line", "discount", "tax"]


@dataclass(frozen=True)
class Item:
    """A line as it is compared: by ``description``. Prorations of two invoices are never the same line."""

    description: str
    amount_minor: int
    kind: Kind = "line"


@dataclass(frozen=True)
class Change:
    """One difference; ``before_minor`` or ``after_minor`` is ``None`` for what is new or gone."""

    description: str
    before_minor: int | None
    after_minor: int | None
    kind: Kind = "line"

    @property
    def difference_minor(self) -> int:
        return (self.after_minor or 0) - (self.before_minor or 0)


def compare(before: Iterable[Item], after: Iterable[Item]) -> Sequence[Change]:
    """What differs, lines before discounts and tax, those of the new invoice first; what has one name is added up."""
    old, new = _sums(before), _sums(after)
    changed = [_change(key, old.get(key), amount) for key, amount in new.items() if old.get(key) != amount]
    gone = [_change(key, amount, None) for key, amount in old.items() if key not in new]
    return sorted([*changed, *gone], key=lambda change: ("line", "discount", "tax").index(change.kind))


def totals(*, subtotal_minor: int, total_minor: int, discounts: Iterable[Mapping[str, Any]]) -> list[Item]:
    """What comes between the lines and the total: the discounts by name, and the tax that is added, if any."""
    taken = [Item(str(entry["name"]), -int(entry["amount_minor"]), "discount") for entry in discounts]
    tax = total_minor - subtotal_minor - sum(item.amount_minor for item in taken)
    return [*taken, Item("", tax, "tax")] if tax else taken


def _change(key: tuple[Kind, str], before: int | None, after: int | None) -> Change:
    return Change(key[1], before, after, key[0])


def _sums(items: Iterable[Item]) -> dict[tuple[Kind, str], int]:
    found: Counter[tuple[Kind, str]] = Counter()
    for item in items:
        found[item.kind, item.description] += item.amount_minor
    return dict(found)
