"""What a channel takes and how it says that it failed."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from portal.i18n import Viewer
from portal.notices.message import Message


class TemporaryFailure(Exception):
    """Not now: the other side is away, or our settings are wrong. The message keeps and is tried again."""


class Unreachable(TemporaryFailure):
    """The other side as a whole does not answer: it would answer the next message no better."""


class PermanentFailure(Exception):
    """Never: the other side refuses this recipient or this message for good."""


@dataclass(frozen=True)
class Delivery:
    """One message for one recipient. ``id`` stays the same however often it is tried."""

    id: UUID
    recipient: str
    reader: Viewer
    message: Message


# Sends with no transaction open; returns when the other side has taken over. Raises the failures above.
Channel = Callable[[Delivery], None]
