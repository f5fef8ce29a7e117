"""One piece of owed work, as its handler sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Work:
    """A claimed outbox row. ``token`` is the lease: only its holder may finish the row."""

    id: UUID
    kind: str
    key: str
    token: UUID
    tenant_id: UUID | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = 0
    lapses: int = 0  # leases before this one that ended without a word, in a row
    outages: int = 0  # tries before this one at which the other side was away, in a row


class Retry(Exception):
    """Raised by a handler: not now, try again in ``seconds``. Does not count towards giving up."""

    def __init__(self, seconds: float, reason: str = "") -> None:
        self.seconds = seconds
        super().__init__(reason or f"again in {seconds} s")
