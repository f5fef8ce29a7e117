"""Leaving somebody alone who does not answer: a pause in which nothing is tried, so that nothing waits for it."""

import time

_DOUBLINGS = 10


class Breaker:
    """Opens with a failure for ``first_seconds``, twice as long with each that follows, closes with a success.

    One per process and other side. Not a lock: threads that fail together count as one after the other.
    """

    def __init__(self, first_seconds: float, longest_seconds: float) -> None:
        self._first, self._longest = first_seconds, longest_seconds
        self._failures = 0
        self._open_until = 0.0

    def remaining(self) -> float:
        """Seconds for which nothing should be tried; 0 when something may be."""
        return max(0.0, self._open_until - time.monotonic())

    def failed(self) -> None:
        """The other side did not answer."""
        pause = self._first * 2.0 ** min(self._failures, _DOUBLINGS)
        self._open_until = time.monotonic() + min(pause, self._longest)
        self._failures += 1

    def succeeded(self) -> None:
        """It answered."""
        self._failures, self._open_until = 0, 0.0
