"""The sandbox's one global clock: real time plus an offset that tests move forward.

Business time (created, expires_at, periods) comes from here. Signatures and retry delays of webhooks
stay on real time, because the receiver checks them against its own clock.
"""

import time
from dataclasses import dataclass


@dataclass
class Clock:
    """`offset` in seconds. Time only moves forward; a restored snapshot alone brings it back (store.py)."""

    offset: int = 0

    def now(self) -> int:
        """Business time, whole seconds since 1970, UTC."""
        return int(time.time()) + self.offset

    def advance(self, seconds: int) -> None:
        """Moves business time forward; ValueError for a negative step."""
        if seconds < 0:
            raise ValueError("time moves forward only")
        self.offset += seconds
