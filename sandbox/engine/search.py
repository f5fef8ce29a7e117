"""Stripe's search language over the objects of a kind: `status:'active' AND metadata['plan']:'pro'`.

A clause is a field, an operator (`:` equal, in any case; `~` contains; `>`, `>=`, `<`, `<=` for numbers) and a
value, quoted unless a number or null; `-` before it turns it round. Clauses are joined by AND or by OR, not both;
at most ten (docs.stripe.com/search). Stripe's index is a minute late; here everything is found at once.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import InvalidRequest
from .work import Obj, Work

_MOST_CLAUSES = 10
_NUMBERS = frozenset(("amount", "canceled_at", "created", "total"))
_FIELDS: dict[str, frozenset[str]] = {
    "charge": frozenset(("amount", "created", "currency", "customer", "disputed", "refunded", "status")),
    "customer": frozenset(("created", "email", "name", "phone")),
    "invoice": frozenset(
        ("created", "currency", "customer", "number", "receipt_number", "status", "subscription", "total")
    ),
    "payment_intent": frozenset(("amount", "created", "currency", "customer", "status")),
    "price": frozenset(("active", "currency", "lookup_key", "product", "type")),
    "product": frozenset(("active", "description", "name", "shippable", "url")),
    "subscription": frozenset(("canceled_at", "created", "status")),
}
_CLAUSE = re.compile(
    r"""\s*(?P<turned>-)?(?P<field>[a-z_]+)(\[(?P<quote>["'])(?P<key>.+?)(?P=quote)\])?\s*
        (?P<operator>>=|<=|[:~<>])\s*
        (?P<value>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|-?[\w.]+)\s*""",
    re.VERBOSE,
)
_JOINT = re.compile(r"(and|or)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Clause:
    field: str
    key: str | None
    operator: str
    value: str | None
    turned: bool

    def fits(self, body: Obj) -> bool:
        return self._holds(_value_of(body, self.field, self.key)) != self.turned

    def _holds(self, found: Any) -> bool:
        if self.value is None:
            return found is None
        if found is None:
            return False
        if self.operator in (":", "~"):
            text = str(found).lower()
            return text == self.value.lower() if self.operator == ":" else self.value.lower() in text
        number = float(self.value)
        return bool(
            {">": found > number, ">=": found >= number, "<": found < number, "<=": found <= number}[self.operator]
        )


def of(kind: str) -> Callable[[Work, Obj], Iterator[Obj]]:
    """The verb of GET /v1/.../search for a kind of object, newest first; InvalidRequest for a wrong query."""

    def search(work: Work, params: Obj) -> Iterator[Obj]:
        clauses, joined = _parsed(params["query"], kind)
        return (body for body in work.all(kind) if joined(clause.fits(body) for clause in clauses))

    return search


def _parsed(query: str, kind: str) -> tuple[list[_Clause], Callable[[Iterator[bool]], bool]]:
    clauses: list[_Clause] = []
    joints: set[str] = set()
    at = 0
    while True:
        found = _CLAUSE.match(query, at)
        if found is None:
            raise _wrong(query, "it is not of the form field:'value'")
        clauses.append(_clause(found, kind, query))
        at = found.end()
        if at == len(query):
            break
        joint = _JOINT.match(query, at)
        if joint is None:
            raise _wrong(query, "clauses are joined by AND or OR")
        joints.add(joint.group(1).lower())
        at = joint.end()
    if len(joints) > 1:
        raise _wrong(query, "AND and OR cannot be combined")
    if len(clauses) > _MOST_CLAUSES:
        raise _wrong(query, f"it has more than {_MOST_CLAUSES} clauses")
    return clauses, any if joints == {"or"} else all


def _clause(found: re.Match[str], kind: str, query: str) -> _Clause:
    field, key, operator, raw = found["field"], found["key"], found["operator"], found["value"]
    if (field == "metadata") != (key is not None) or (key is None and field not in _FIELDS[kind]):
        raise _wrong(query, f"`{field}` cannot be searched for")
    quoted = raw[0] in "\"'"
    value = re.sub(r"\\(.)", r"\1", raw[1:-1]) if quoted else raw
    numeric = field in _NUMBERS
    if numeric and value != "null" and not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise _wrong(query, f"`{field}` is a number")
    if not numeric and operator not in (":", "~"):
        raise _wrong(query, f"`{operator}` is for numbers")
    if operator == "~" and (numeric or len(value) < 3):
        raise _wrong(query, "`~` wants at least three characters of a text")
    missing = not quoted and value == "null"
    return _Clause(field, key, operator, None if missing else value, turned=found["turned"] is not None)


def _value_of(body: Obj, field: str, key: str | None) -> Any:
    if key is not None:
        return (body["metadata"] or {}).get(key)
    if field == "subscription":
        details = (body["parent"] or {}).get("subscription_details")
        return None if details is None else details["subscription"]
    return body[field]


def _wrong(query: str, why: str) -> InvalidRequest:
    return InvalidRequest(f"We were unable to parse your search query ({query}): {why}.", param="query")
