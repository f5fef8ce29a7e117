"""Identifiers made by the application."""

import os
import time
from uuid import UUID

_RANDOM_BITS = 74
_RAND_B_BITS = 62


def uuid7() -> UUID:
    """A time-ordered UUID of version 7 (RFC 9562 §5.7): 48 bits of milliseconds, 74 random bits.

    Time order keeps new rows at the right edge of their index, so that the cost of an insert does
    not grow with the table; random UUIDs touch a cold page each.
    """
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big") & ((1 << _RANDOM_BITS) - 1)
    rand_a, rand_b = random >> _RAND_B_BITS, random & ((1 << _RAND_B_BITS) - 1)
    return UUID(int=(milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b)
