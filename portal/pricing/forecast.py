"""What a period's usage will come to, by what it came to so far: a range, and how it is found. Pure arithmetic."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Literal, NamedTuple

LEAST_DAYS = 3
RECENT_DAYS = 7
SECONDS_PER_DAY = 86_400
_DIGITS = 3  # a forecast that is written to the last unit claims to know it
_EXACT = Context(prec=60)
_NONE = Decimal(0)

Method = Literal["pace", "level", "different", "too_early", "final"]


class Past(NamedTuple):
    """A day that is over, or what of it lies in the period: its quantity and its length in seconds."""

    quantity: Decimal
    seconds: int = SECONDS_PER_DAY


class Forecast(NamedTuple):
    """The quantity at the period's end, and between which bounds; ``None``: not known.

    ``method``: "pace" (what adds up), "level" (what is measured), "different" (values that are counted once),
    "final" (the period is over), "too_early" (fewer than three days are known; nothing is foretold).
    """

    method: Method
    expected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None


def foretell(aggregation: str, used: Decimal, days: Sequence[Past], rest_seconds: int) -> Forecast:
    """The quantity of a period that has come to ``used`` and lasts another ``rest_seconds``.

    ``days``: those that are over, the oldest first; of a level only from its first report on. Figures are rounded to
    three digits, bounds outward; none of what can only grow is below what there is.
    """
    if rest_seconds <= 0:
        return Forecast("final", used, used, used)
    if len(days) < LEAST_DAYS:
        return Forecast("too_early")
    with localcontext(_EXACT):
        rest = Decimal(rest_seconds) / SECONDS_PER_DAY
        if aggregation in ("max", "last"):
            found = _level(used, [day.quantity for day in days], rest)
            return found if aggregation == "last" else _at_least(used, found)
        found = _different(used, days, rest) if aggregation == "unique" else _pace(used, days, rest)
        return _at_least(used, found)


def _pace(used: Decimal, days: Sequence[Past], rest: Decimal) -> Forecast:
    """A day's mean, in which the last seven days count twice, for the rest of the period.

    The range is one standard deviation of the days: of what is to come, and of the mean itself.
    """
    weighed = [
        (2 if index >= len(days) - RECENT_DAYS else 1, day.quantity, Decimal(day.seconds) / SECONDS_PER_DAY)
        for index, day in enumerate(days)
    ]
    mean = _sum(weight * quantity for weight, quantity, _ in weighed) / _sum(
        weight * length for weight, _, length in weighed
    )
    apart = _sum(weight * (quantity - mean * length) ** 2 for weight, quantity, length in weighed)
    apart /= _sum(Decimal(weight) for weight, _, _ in weighed)
    spread = apart.sqrt() * (rest + rest * rest / len(days)).sqrt()
    expected = used + mean * rest
    return _rounded("pace", expected, expected - spread, expected + spread)


def _level(used: Decimal, days: Sequence[Decimal], rest: Decimal) -> Forecast:
    """It stays. The range holds the last seven days, and where they lead to when it goes on as in them."""
    recent = [*days[-RECENT_DAYS:], used] if len(days) < RECENT_DAYS else [*days[-RECENT_DAYS:]]
    last = days[-1]
    slope = (last - recent[0]) / max(len(days[-RECENT_DAYS:]) - 1, 1)
    led_to = max(last + slope * rest, _NONE)
    return _rounded("level", last, min(*recent, led_to), max(*recent, led_to))


def _different(used: Decimal, days: Sequence[Past], rest: Decimal) -> Forecast:
    """Values come back, so that there are fewer new ones each day: by the square root of the time.

    At least those that there are; at most as many a day as so far.
    """
    gone = Decimal(sum(day.seconds for day in days)) / SECONDS_PER_DAY
    growth = (gone + rest) / gone
    return _rounded("different", used * growth.sqrt(), used, used * growth)


def _sum(parts: Iterable[Decimal]) -> Decimal:
    return sum(parts, _NONE)


def _rounded(method: Method, expected: Decimal, low: Decimal, high: Decimal) -> Forecast:
    return Forecast(method, _rough(expected, ROUND_HALF_UP), _rough(low, ROUND_FLOOR), _rough(high, ROUND_CEILING))


def _at_least(used: Decimal, found: Forecast) -> Forecast:
    expected, low, high = (max(used, each) for each in (found.expected, found.low, found.high) if each is not None)
    return Forecast(found.method, expected, low, high)


def _rough(value: Decimal, rounding: str) -> Decimal:
    if not value:
        return _NONE
    last_digit = Decimal(1).scaleb(max(value.adjusted() - _DIGITS + 1, -9))
    return value.quantize(last_digit, rounding=rounding)
