"""`formatted_read_group` and its predecessor `read_group`: counts and sums by company, partner, month."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from ..tables import Row
from .env import Env, field_of
from .errors import not_modelled, value_error
from .orm import found

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
           "November", "December")  # fmt: skip


def formatted_read_group(
    env: Env,
    model: str,
    domain: list[Any],
    groupby: list[str] | tuple[str, ...] = (),
    aggregates: list[str] | tuple[str, ...] = (),
    having: list[Any] | tuple[Any, ...] = (),
    offset: int = 0,
    limit: int | None = None,
    order: str | None = None,
) -> list[Row]:
    """One dictionary a group, with `__extra_domain`; one for all when there is nothing to group by."""
    if having or order:
        raise not_modelled("having and order of formatted_read_group")
    groups: dict[tuple[Any, ...], list[Row]] = {} if groupby else {(): []}
    keys: dict[tuple[Any, ...], list[tuple[Any, list[Any]]]] = {(): []}
    for row in found(env, model, domain):
        parts = [_part(env, model, row, spec) for spec in groupby]
        key = tuple(str(shown) for shown, _ in parts)
        groups.setdefault(key, []).append(row)
        keys.setdefault(key, parts)
    told = []
    for key in sorted(groups):
        line: Row = {spec: shown for spec, (shown, _) in zip(groupby, keys[key], strict=True)}
        line |= {spec: _aggregate(env, model, groups[key], spec) for spec in aggregates}
        line["__extra_domain"] = [term for _, terms in keys[key] for term in terms]
        told.append(line)
    return told[offset:] if limit is None else told[offset : offset + limit]


def read_group(
    env: Env, model: str, domain: list[Any], fields: list[str], groupby: list[str], *, lazy: bool = True
) -> list[Row]:
    """As Odoo had it until 18, and still has it: sums under the fields' own names, the number as `__count`."""
    if lazy:
        raise not_modelled("read_group with lazy=True")
    sums = [each for each in fields if each.endswith(":sum")]
    told = formatted_read_group(env, model, domain, groupby, [*sums, "__count"])
    return [{name.removesuffix(":sum"): value for name, value in row.items()} for row in told]


def _part(env: Env, model: str, row: Row, spec: str) -> tuple[Any, list[Any]]:
    """The value that a row is grouped under, and the domain that finds its group again."""
    name, _, grain = spec.partition(":")
    field = field_of(model, name)
    value = env.value(model, row, name)
    if field.type == "many2one":
        other = env.table(str(field.comodel)).find(value) if value else None
        shown = [value, env.title(str(field.comodel), other)] if other is not None else False
        return shown, [[name, "=", value]]
    if field.type in ("date", "datetime") and value:
        first, after, label = _span(date.fromisoformat(str(value)[:10]), grain or "month")
        return [first.isoformat(), label], [[name, ">=", first.isoformat()], [name, "<", after.isoformat()]]
    return value, [[name, "=", value]]


def _span(day: date, grain: str) -> tuple[date, date, str]:
    if grain == "day":
        return day, day + timedelta(days=1), day.strftime("%d %b %Y")
    if grain == "week":
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7), f"W{monday.isocalendar()[1]} {monday.year}"
    if grain not in ("month", "quarter", "year"):
        raise value_error(f"Invalid granularity {grain!r}")
    months = {"month": 1, "quarter": 3, "year": 12}[grain]
    number = (day.month - 1) // months * months
    first = date(day.year, number + 1, 1)
    after = date(day.year + (number + months) // 12, (number + months) % 12 + 1, 1)
    label = {"month": f"{_MONTHS[number]} {day.year}", "quarter": f"Q{number // 3 + 1} {day.year}"}
    return first, after, label.get(grain, str(day.year))


def _aggregate(env: Env, model: str, rows: list[Row], spec: str) -> Any:
    if spec == "__count":
        return len(rows)
    name, _, function = spec.partition(":")
    field_of(model, name)
    values = [env.value(model, row, name) for row in rows]
    functions: dict[str, Callable[[], Any]] = {
        "sum": lambda: round(sum(values), 6),
        "avg": lambda: sum(values) / len(values) if values else False,
        "min": lambda: min(values, default=False),
        "max": lambda: max(values, default=False),
        "count": lambda: sum(value is not False for value in values),
        "count_distinct": lambda: len({str(value) for value in values if value is not False}),
        "array_agg": lambda: values,
    }
    if function not in functions:
        raise value_error(f"Invalid aggregate {spec!r}.")
    return functions[function]()
