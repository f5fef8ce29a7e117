"""The only source of time: UTC, aware.

Two clocks exist (design §5.6). *Real time* rules sessions, tokens and leases. *Business time* rules
periods and trials; a tenant on a Stripe test clock will live at that clock's time, every other one at
real time. Nothing else in the project may ask the operating system for the time of day.
"""

from datetime import UTC, datetime


def now() -> datetime:
    """Real time, aware, in UTC."""
    return datetime.now(UTC)


def from_timestamp(seconds: int | None) -> datetime | None:
    """Stripe's unix seconds as an aware UTC time; ``None`` stays ``None``."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
