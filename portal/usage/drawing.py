"""A resource's charts in the reader's words and numbers; pages and documents draw the same ones."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from portal import charts, formats
from portal.charts import Ahead, Chart, Mark, Value
from portal.i18n import gettext, viewer
from portal.labels import quantity, resource_name
from portal.usage.look import Detail
from portal.usage.series import Point

View = Literal["day", "total"]


class Drawing(NamedTuple):
    """A chart with its title and what it shows in a sentence, and what its lines mean."""

    chart: Chart
    title: str
    description: str
    limit: str
    has_outlook: bool
    has_carried: bool
    is_running: bool


def by_day(detail: Detail, zone: ZoneInfo, view: View = "day", width: int | None = None) -> Drawing:
    """A period's days; ``view`` "total": what they come to with each, of what is added up.

    The limit and the forecast are drawn where they are of the same measure, and of all sources together.
    """
    comparable = detail.source is None and (detail.is_level or view == "total")
    labels = [_date_label(at, point.starts_at.astimezone(zone).date()) for at, point in enumerate(detail.points)]
    values = [_value(point, detail, label, view) for point, label in zip(detail.points, labels, strict=True)]
    title = gettext("%(resource)s, running total") if view == "total" else gettext("%(resource)s by day")
    limit = _limit(detail) if comparable else None
    chart = _chart(values, detail, width, limit, _ahead(detail) if comparable else None)
    return _drawing(chart, values, title % {"resource": resource_name(detail.resource)}, limit)


def by_hour(detail: Detail, zone: ZoneInfo, width: int | None = None) -> Drawing:
    """The hours of the chosen day."""
    locale = viewer().format_locale
    values = [_value(point, detail, formats.hour(point.starts_at, locale, zone.key), "day") for point in detail.hours]
    day = formats.date(detail.on, locale, "long") if detail.on else ""
    title = gettext("%(resource)s by hour, %(day)s", resource=resource_name(detail.resource), day=day)
    return _drawing(_chart(values, detail, width, None, None), values, title, None)


def _chart(
    values: Sequence[Value], detail: Detail, width: int | None, limit: Mark | None, ahead: Ahead | None
) -> Chart:
    shown = [value.amount or Decimal(0) for value in values]
    shown += [mark for mark in (limit and limit.amount, ahead and ahead.high) if mark is not None]
    highest = max(shown, default=Decimal(0))
    say = partial(formats.compact, locale=viewer().format_locale, beside=highest)
    smallest = Decimal(1).scaleb(-_decimals(detail, values))
    return charts.bar_chart(values, say, limit=limit, ahead=ahead, width=width, smallest=smallest)


def _decimals(detail: Detail, values: Sequence[Value]) -> int:
    """As many as the resource is shown with; more where it was reported more finely."""
    finest = max((-int(each.amount.normalize().as_tuple().exponent) for each in values if each.amount), default=0)
    return max(detail.resource.decimals, finest, 0)


def _drawing(chart: Chart, values: Sequence[Value], title: str, limit: Mark | None) -> Drawing:
    return Drawing(
        chart=chart,
        title=title,
        description=_description(values),
        limit=limit.words if limit else "",
        has_outlook=chart.bracket is not None,
        has_carried=any(value.kind == "carried" and value.amount is not None for value in values),
        is_running=any(value.kind == "running" and value.amount is not None for value in values),
    )


def _description(values: Sequence[Value]) -> str:
    known = [value for value in values if value.amount is not None]
    if not known:
        return str(gettext("Nothing is known yet."))
    highest = max(known, key=lambda value: value.amount or Decimal(0))
    return str(gettext("%(count)s bars; the highest: %(words)s.", count=len(known), words=highest.words))


def _value(point: Point, detail: Detail, label: str, view: View) -> Value:
    amount = point.total if view == "total" else point.quantity
    words = f"{label}: {quantity(amount, detail.resource)}" if amount is not None else label
    return Value(amount, label, words, point.kind)


def _date_label(at: int, day: date) -> str:
    """The month at the first day and where it changes."""
    return formats.day_and_month(day, viewer().format_locale) if at == 0 or day.day == 1 else str(day.day)


def _limit(detail: Detail) -> Mark | None:
    limit = detail.standing.limit
    if not limit:
        return None
    said = quantity(limit, detail.resource)
    words = gettext("Included: %(quantity)s") if detail.standing.is_soft else gettext("Limit: %(quantity)s")
    return Mark(limit, words % {"quantity": said})


def _ahead(detail: Detail) -> Ahead | None:
    method, expected, low, high = detail.foretold
    if method == "final" or expected is None or low is None or high is None:
        return None
    return Ahead(expected, low, high)
