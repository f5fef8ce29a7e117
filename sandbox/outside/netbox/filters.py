"""NetBox's filters: what each takes, what it refuses, and what it silently ignores.

The traps are NetBox's own: a name that no filter has is ignored, so a misspelt filter lets everything through; an
empty value is ignored; an unknown tenant, status or tag is a 400. Filters that NetBox has and this stand-in has not
are refused by name. Source: the filter sets of release 4.6.8, run against the real program.
"""

import ipaddress
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from werkzeug.datastructures import MultiDict

from ..tables import Row
from .answers import family_of
from .database import Database
from .errors import Refused, not_modelled
from .models import MODELS, TAGGED, Model
from .values import Invalid, compared, moment, number, text_test, truth

Test: TypeAlias = Callable[[Row], bool]
_NOT_FILTERS = frozenset({"limit", "offset", "start", "ordering", "brief", "fields", "omit", "format", "exclude"})
_SAVED = frozenset({"filter", "filter_id", "created_by_request", "updated_by_request", "modified_by_request"})
_NULL = "null"
_ANY_CASE = frozenset({"dcim.device", "virtualization.virtualmachine"})


def filtered(database: Database, model: Model, rows: Sequence[Row], params: "MultiDict[str, str]") -> list[Row]:
    """The rows that pass. Refused 400 with all that is wrong, 501 for what is not modelled."""
    wrong: dict[str, list[str]] = {}
    tests: list[Test] = []
    for key in params:
        values = [value for value in params.getlist(key) if value]
        if key in _NOT_FILTERS or not values:
            continue
        try:
            test = _test(database, model, key, values)
        except Invalid as error:
            wrong[key] = [str(error)]
        else:
            if test is not None:
                tests.append(test)
    if wrong:
        raise Refused(400, wrong)
    return [row for row in rows if all(test(row) for test in tests)]


def _test(database: Database, model: Model, key: str, values: list[str]) -> Test | None:
    """The test of one filter; None for a name that NetBox does not know and so ignores."""
    name, _, lookup = key.partition("__")
    if key in _SAVED or name in model.missing:
        raise not_modelled(f"the filter {key} on {model.path}")
    for kind in (_by_number, _by_choice, _by_relation, _by_tag, _by_custom_field, _by_special, _by_text):
        test = kind(database, model, name, lookup, values)
        if test is not None:
            return test
    return None


def _by_number(_database: Database, model: Model, name: str, lookup: str, values: list[str]) -> Test | None:
    if name in ("id", *model.numbers):
        return compared(name, lookup, values, number)
    return compared(name, lookup, values, moment) if name in model.times else None


def _by_choice(_database: Database, model: Model, name: str, lookup: str, values: list[str]) -> Test | None:
    if name not in model.choices or lookup not in ("", "n"):
        return None
    for value in values:
        if value not in model.choices[name] and value != _NULL:
            raise Invalid.choice(value)
    wanted = {None if value == _NULL else value for value in values}
    return _negated(lookup, lambda row: (row.get(name, model.defaults.get(name)) or None) in wanted)


def _by_relation(database: Database, model: Model, name: str, lookup: str, values: list[str]) -> Test | None:
    if lookup not in ("", "n"):
        return None
    field = name.removesuffix("_id")
    if field == "tenant_group" and "tenant" in model.relations:
        groups = _ids(database, "tenancy.tenantgroup", values, by_id=name.endswith("_id"))
        tenants = {row["id"] for row in database.rows("tenancy.tenant") if row.get("group") in groups}
        return _negated(lookup, lambda row: row.get("tenant") in tenants)
    if field not in model.relations:
        return None
    wanted = _ids(database, model.relations[field], values, by_id=name.endswith("_id"))
    return _negated(lookup, lambda row: row.get(field) in wanted)


def _ids(database: Database, label: str, values: list[str], *, by_id: bool) -> set[int | None]:
    """The ids that the values name; Invalid for one that names nothing."""
    spoken = "id" if by_id else next(name for name in ("slug", "rd", "name") if name in MODELS[label].fields)
    found: set[int | None] = set()
    for value in values:
        if value == _NULL:
            found.add(None)
            continue
        if by_id and not re.fullmatch(r"\d+", value):
            raise Invalid(f"“{value}” is not a valid value.")
        matching = [row["id"] for row in database.rows(label) if str(row.get(spoken)) == value]
        if not matching:
            raise Invalid.choice(value)
        found.update(matching)
    return found


def _by_tag(database: Database, model: Model, name: str, lookup: str, values: list[str]) -> Test | None:
    if name not in ("tag", "tag_id") or model.label not in TAGGED or lookup not in ("", "n", "any"):
        return None
    wanted = _ids(database, "extras.tag", values, by_id=name == "tag_id")
    if lookup == "any":
        return lambda row: bool(wanted & set(row.get("tags", [])))
    return _negated(lookup, lambda row: wanted <= set(row.get("tags", [])))


def _by_custom_field(database: Database, model: Model, name: str, lookup: str, values: list[str]) -> Test | None:
    fields = {f"cf_{field['name']}": field for field in database.custom_fields(model.label)}
    field = fields.get(name)
    if field is None or field.get("filter_logic") == "disabled":
        return None
    held = field["name"]
    test = _of_value(field, held, lookup, values)
    return None if test is None else lambda row: test({held: row.get("custom_fields", {}).get(held)})


def _of_value(field: Row, name: str, lookup: str, values: list[str]) -> Test | None:
    """The test of one custom field's value, handed over as a row of its own."""
    if values == [_NULL]:
        return _negated(lookup, lambda row: row[name] is None)
    if field["type"] in ("integer", "decimal"):
        return compared(name, lookup, values, number)
    if field["type"] == "boolean":
        return lambda row: row[name] is truth(values[0])
    loose = field.get("filter_logic", "loose") == "loose" and field["type"] in ("text", "longtext", "url")
    return text_test(name, lookup or ("ic" if loose else ""), values)


def _by_special(_database: Database, model: Model, name: str, lookup: str, values: list[str]) -> Test | None:
    if name == "q" and not lookup:
        wanted = values[-1].strip().lower()
        return lambda row: any(wanted in str(row.get(field) or "").lower() for field in model.texts)
    if name == "family" and "family" in model.fields and not lookup:
        families = {int(number(value)) for value in values}
        return lambda row: family_of(row) in families
    if model.label == "ipam.ipaddress" and name == "address" and not lookup:
        return lambda row: any(_is_address(row["address"], value) for value in values)
    if model.label == "core.objectchange" and name in ("time_after", "time_before") and not lookup:
        limit = moment(values[-1])
        if name == "time_after":
            return lambda row: datetime.fromisoformat(row["time"]) >= limit
        return lambda row: datetime.fromisoformat(row["time"]) <= limit
    return None


def _by_text(_database: Database, model: Model, name: str, lookup: str, values: list[str]) -> Test | None:
    if name not in model.texts:
        return None
    any_case = model.label in _ANY_CASE and name in ("name", "serial")
    return text_test(name, lookup or ("ie" if any_case else ""), values)


def _is_address(held: str, wanted: str) -> bool:
    try:
        if "/" in wanted:
            return ipaddress.ip_interface(held) == ipaddress.ip_interface(wanted)
        return ipaddress.ip_interface(held).ip == ipaddress.ip_address(wanted)
    except ValueError:
        return False


def _negated(lookup: str, test: Test) -> Test:
    return test if lookup != "n" else lambda row: not test(row)


def matches(database: Database, model: Model, row: Row, constraints: dict[str, Any]) -> bool:
    """Whether a row fulfils the constraints of a permission: `status`, `id__in`, `tenant__slug`, `name__startswith`.

    ValueError for a lookup that this stand-in does not know.
    """
    return all(_fulfils(database, model, row, key.split("__"), wanted) for key, wanted in constraints.items())


def _fulfils(database: Database, model: Model, row: Row, path: list[str], wanted: Any) -> bool:
    name, *rest = path
    if name in model.relations and rest and rest[0] not in ("in", "isnull"):
        target = model.relations[name]
        other = None if row.get(name) is None else database.find(target, row[name])
        return other is not None and _fulfils(database, MODELS[target], other, rest, wanted)
    value = row.get(name, model.defaults.get(name))
    checks: dict[str, Callable[[], bool]] = {
        "": lambda: bool(value == wanted),
        "in": lambda: value in wanted,
        "isnull": lambda: (value is None) == wanted,
        "startswith": lambda: str(value).startswith(wanted),
        "contains": lambda: wanted in str(value),
    }
    lookup = rest[0] if rest else ""
    if lookup not in checks:
        raise ValueError(f"the sandbox does not model the constraint {'__'.join(path)}")
    return checks[lookup]()
