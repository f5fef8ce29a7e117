"""What is different on the next invoice from the last one, line by line. Pure; amounts in minor units."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A line as it is compared: by ``description``. Prorations of two invoices are never the same line."""

    description: str
    amount_minor: int


@dataclass(frozen=True)
class Change:
    """One difference; ``before_minor`` or ``after_minor`` is ``None`` for what is new or gone."""

    description: str
    before_minor: int | None
    after_minor: int | None

    @property
    def difference_minor(self) -> int:
        return (self.after_minor or 0) - (self.before_minor or 0)


def compare(before: Iterable[Item], after: Iterable[Item]) -> Sequence[Change]:
    """The lines that differ, those of the new invoice first; lines of one description are added up."""
    old, new = _sums(before), _sums(after)
    changed = [Change(name, old.get(name), amount) for name, amount in new.items() if old.get(name) != amount]
    return [*changed, *(Change(name, amount, None) for name, amount in old.items() if name not in new)]


def _sums(items: Iterable[Item]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for item in items:
        found[item.description] += item.amount_minor
    return dict(found)
