"""The only source of time: UTC, aware.

Two clocks exist (design §5.6). *Real time* rules sessions, tokens and leases. *Business time* rules
periods, trials and deadlines: it is Stripe's own clock, or the test clock that a tenant lives on
(:mod:`portal.business_time`). Nothing else in the project may ask the operating system for the time of day.
"""

from datetime import UTC, datetime, timedelta

# A date in a header has the grain of a second and is old by the time of the answer: less is no difference.
_SAME = timedelta(seconds=5)
_stripe_is_ahead = timedelta(0)


def now() -> datetime:
    """Real time, aware, in UTC."""
    return datetime.now(UTC)


def stripe_now() -> datetime:
    """The time at Stripe, aware, in UTC, as its last answer told this process: real time until then.

    At Stripe itself that is real time; a sandbox whose clock was moved is ahead.
    """
    return now() + _stripe_is_ahead


def hear_stripe(moment: datetime) -> None:
    """Stripe has just answered at ``moment``, by its own clock."""
    global _stripe_is_ahead
    ahead = moment - now()
    _stripe_is_ahead = ahead if abs(ahead) > _SAME else timedelta(0)


def from_timestamp(seconds: int | None) -> datetime | None:
    """Stripe's unix seconds as an aware UTC time; ``None`` stays ``None``."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
