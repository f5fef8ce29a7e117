"""The small interface that a source fulfils: one file, one object in :data:`portal.sources.registry.KINDS`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

MOST_TARGETS = 5000
WHOLE = "*"  # the id of a target that is all of a source: one installation per tenant


@dataclass(frozen=True)
class Connection:
    """Where a source is and how to speak to it. ``secret`` is in clear: it is neither shown nor logged."""

    base_url: str
    secret: str = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """A further text that staff enter for a kind; ``label`` and ``help`` are translated when shown."""

    name: str
    label: Any
    help: Any = ""


@dataclass(frozen=True)
class Probe:
    """What a connection that works says of itself: the program's version, and when the key ends if it can tell."""

    version: str
    key_expires_at: datetime | None = None


@dataclass(frozen=True)
class Target:
    """One of the source's own tenants."""

    id: str
    name: str


@dataclass(frozen=True)
class Wanted:
    """Of whom, and which single things: those of ``counts_from`` and later that were touched ``since`` then (UTC)."""

    target_id: str
    counts_from: date
    since: datetime


@dataclass(frozen=True)
class Thing:
    """Something that counts once for ever, by the id that it has at the source; ``at``: when it happened, UTC."""

    id: str
    at: datetime


@dataclass(frozen=True)
class Measured:
    """A whole measurement, every figure of it confirmed by a second count.

    ``levels``: heights by resource, now. ``things``: by resource, what happened. ``left_out``: resources that this key
    cannot measure rightly; they are not recorded.
    """

    levels: Mapping[str, Decimal] = field(default_factory=dict)
    things: Mapping[str, Sequence[Thing]] = field(default_factory=dict)
    left_out: Sequence[str] = ()


class Source(Protocol):
    """A program that knows what tenants use. Its methods speak HTTP and no database; each raises
    :class:`portal.sources.errors.SourceError` subclasses and nothing else.
    """

    kind: str
    label: str
    settings: Sequence[Setting]
    resources: Sequence[str]

    def check(self, connection: Connection) -> None:
        """Refuse settings that cannot go together. Raises :class:`portal.sources.errors.BadSource` subclasses."""

    def probe(self, connection: Connection) -> Probe:
        """Speak to it once, with the key."""

    def targets(self, connection: Connection) -> Sequence[Target]:
        """Its tenants, as they are called there; at most :data:`MOST_TARGETS`."""

    def measure(self, connection: Connection, wanted: Wanted) -> Measured:
        """All of one tenant's figures, counted twice. Raises :class:`portal.sources.errors.UnknownTenant` for one
        that it does not know, :class:`portal.sources.errors.CountsDisagree` for counts that differ.
        """
