"""Odoo's domains: lists in prefix notation, `["|", ["state", "=", "sale"], ["name", "ilike", "x"]]`."""

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from ..tables import Row
from .env import Env
from .errors import value_error
from .schema import MODELS

Test: TypeAlias = Callable[[Row], bool]
_OPERATORS = frozenset({
    "=", "!=", "<", ">", "<=", ">=", "in", "not in", "like", "ilike", "not like", "not ilike", "=like", "=ilike",
})  # fmt: skip


def names_in(domain: list[Any]) -> set[str]:
    """The first parts of the fields that a domain mentions."""
    return {str(term[0]).split(".")[0] for term in domain if isinstance(term, list | tuple) and len(term) == 3}


def compiled(env: Env, model: str, domain: list[Any]) -> Test:
    """A test of rows. ValueError 500, as Odoo's, for a malformed domain or a field that there is not."""
    if not isinstance(domain, list):
        raise value_error(f"Domain() invalid item in domain: {domain!r}")
    stack: list[Test] = []
    for term in reversed(domain):
        if term in ("&", "|"):
            stack.append(_joined(str(term), _pop(stack, domain), _pop(stack, domain)))
        elif term == "!":
            stack.append(_negated(_pop(stack, domain)))
        else:
            stack.append(_condition(env, model, term))
    return lambda row: all(test(row) for test in stack)


def _pop(stack: list[Test], domain: list[Any]) -> Test:
    if not stack:
        raise value_error(f"Domain() malformed: {domain!r}")
    return stack.pop()


def _joined(operator: str, left: Test, right: Test) -> Test:
    if operator == "&":
        return lambda row: left(row) and right(row)
    return lambda row: left(row) or right(row)


def _negated(test: Test) -> Test:
    return lambda row: not test(row)


def _condition(env: Env, model: str, term: Any) -> Test:
    if not isinstance(term, list | tuple) or len(term) != 3:
        raise value_error(f"Domain() invalid item in domain: {term!r}")
    path, operator, wanted = term
    if operator not in _OPERATORS:
        raise value_error(f"Invalid operator {operator!r} in condition {tuple(term)!r}")
    names = str(path).split(".")
    _check_path(model, names, tuple(term))
    return lambda row: _holds(_values(env, model, row, names), operator, wanted)


def _check_path(model: str, names: list[str], term: tuple[Any, ...]) -> None:
    for name in names:
        field = MODELS[model].get(name)
        if field is None:
            raise value_error(f"Invalid field {model}.{name} in condition {term!r}")
        model = field.comodel or model


def _values(env: Env, model: str, row: Row, names: list[str]) -> list[Any]:
    """Every value at the end of the path; for a relation at its end both id and name, which Odoo lets one mix."""
    name, *rest = names
    field = MODELS[model][name]
    value = env.value(model, row, name)
    if field.comodel is None:
        return [value]
    ids = value if field.is_many else [value] if value else []
    others = [found for found in (env.table(field.comodel).find(each) for each in ids) if found is not None]
    if not rest:
        return [Linked(other["id"], env.title(field.comodel, other)) for other in others] or [False]
    return [each for other in others for each in _values(env, field.comodel, other, rest)] or [False]


class Linked:
    """A record at the end of a path: equal to its id, searched by its name."""

    def __init__(self, row_id: int, title: str) -> None:
        self.row_id = row_id
        self.title = title

    def __eq__(self, other: object) -> bool:
        return other == (self.title if isinstance(other, str) else self.row_id)

    def __hash__(self) -> int:
        return hash(self.row_id)


def _holds(values: list[Any], operator: str, wanted: Any) -> bool:
    if operator in ("!=", "not in", "not like", "not ilike"):
        positive = {"!=": "=", "not in": "in", "not like": "like", "not ilike": "ilike"}[operator]
        return not _holds(values, positive, wanted)
    return any(_fits(value, operator, wanted) for value in values)


def _fits(value: Any, operator: str, wanted: Any) -> bool:
    if operator == "=":
        return _equal(value, wanted)
    if operator == "in":
        many = wanted if isinstance(wanted, list | tuple) else [wanted]
        return any(_equal(value, each) for each in many)
    if operator in ("like", "ilike", "=like", "=ilike"):
        return _alike(value, operator, str(wanted))
    if value is False or value is None or isinstance(value, bool):
        return False
    held = value.row_id if isinstance(value, Linked) else value
    # A day compared with a moment is that day's beginning, as in SQL.
    if isinstance(held, str) and isinstance(wanted, str) and len(held) > len(wanted):
        wanted = f"{wanted} 00:00:00"[: len(held)]
    try:
        return bool({"<": held < wanted, ">": held > wanted, "<=": held <= wanted, ">=": held >= wanted}[operator])
    except TypeError as error:
        raise value_error(f"cannot compare {held!r} {operator} {wanted!r}") from error


def _equal(value: Any, wanted: Any) -> bool:
    if wanted is False or wanted is None:
        return value is False or value is None or value == ""
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted or (wanted is True and value not in (False, None, "", 0))
    return bool(value == wanted)


def _alike(value: Any, operator: str, wanted: str) -> bool:
    text = value.title if isinstance(value, Linked) else "" if value in (False, None) else str(value)
    pattern = "".join(".*" if letter == "%" else "." if letter == "_" else re.escape(letter) for letter in wanted)
    flags = re.DOTALL | (re.IGNORECASE if "ilike" in operator else 0)
    if operator.startswith("="):
        return re.fullmatch(pattern, text, flags) is not None
    return re.search(pattern, text, flags) is not None
