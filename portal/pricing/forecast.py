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
_HOUR = Decimal(1) / 24

Method = Literal["pace", "level", "different", "early", "early_level", "unreported", "final"]


class Past(NamedTuple):
    """A day that is over, or what of it lies in the period: its quantity and its length in seconds."""

    quantity: Decimal
    seconds: int = SECONDS_PER_DAY


class Forecast(NamedTuple):
    """The quantity at the period's end, and between which bounds; ``None``: not known.

    ``method``: "pace" (what adds up), "level" (what is measured), "different" (values that are counted once),
    "early" and "early_level" (the same from fewer than three days, with a wide range), "unreported" (nothing was, so
    nothing is foretold), "final" (the period is over).
    """

    method: Method
    expected: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None


def foretell(
    aggregation: str, used: Decimal, days: Sequence[Past], rest_seconds: int, since_seconds: int | None = None
) -> Forecast:
    """The quantity of a period that has come to ``used`` and lasts another ``rest_seconds``.

    ``days``: those that are over, the oldest first, from the first report on. ``since_seconds``: how long ago that was;
    ``None``: there was none. Figures are rounded to three digits, bounds outward; none of what can only grow is below
    what there is.
    """
    if rest_seconds <= 0:
        return Forecast("final", used, used, used)
    if not days and since_seconds is None:
        return Forecast("unreported")
    with localcontext(_EXACT):
        rest = Decimal(rest_seconds) / SECONDS_PER_DAY
        if aggregation in ("max", "last"):
            quantities = [day.quantity for day in days]
            is_early = len(days) < LEAST_DAYS
            found = _early_level(used, quantities) if is_early else _level(aggregation, used, quantities, rest)
            return found if aggregation == "last" else _at_least(used, found)
        if len(days) < LEAST_DAYS:
            since = sum(day.seconds for day in days) if since_seconds is None else since_seconds
            return _at_least(used, _early(aggregation, used, Decimal(since) / SECONDS_PER_DAY, rest))
        return _at_least(used, _different(used, days, rest) if aggregation == "unique" else _pace(used, days, rest))


def _early(aggregation: str, used: Decimal, since: Decimal, rest: Decimal) -> Forecast:
    """As much each day as since the first report, which is taken to be at least a day ago: a morning is no pace.

    At least those that there are; at most twice as much each day, on the first day as much each hour as so far.
    """
    length = max(since, Decimal(1))
    fastest = max(2 * used / length, used / max(since, _HOUR))
    growth = (length + rest) / length
    expected = used * (growth.sqrt() if aggregation == "unique" else growth)
    return _rounded("early", expected, used, used + fastest * rest)


def _early_level(used: Decimal, days: Sequence[Decimal]) -> Forecast:
    """It stays. From so few days nobody can tell: from half of them to twice."""
    known = [*days, used]
    halves, doubles = [each / 2 for each in known], [each * 2 for each in known]
    return _rounded("early_level", used, min(known + halves), max(known + doubles))


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


def _level(aggregation: str, used: Decimal, days: Sequence[Decimal], rest: Decimal) -> Forecast:
    """It stays: as it is where the newest value counts, else as the last day was.

    The range holds the last seven days, and where they lead to when it goes on as in them.
    """
    recent = [*days[-RECENT_DAYS:], used] if len(days) < RECENT_DAYS else [*days[-RECENT_DAYS:]]
    last = days[-1]
    slope = (last - recent[0]) / max(len(days[-RECENT_DAYS:]) - 1, 1)
    led_to = max(last + slope * rest, _NONE)
    expected = used if aggregation == "last" else last
    return _rounded("level", expected, min(*recent, expected, led_to), max(*recent, expected, led_to))


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
