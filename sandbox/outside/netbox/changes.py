"""Creating, changing and deleting: NetBox's checks, and the entry that each change leaves in the change log."""

import ipaddress
import uuid
from collections.abc import Mapping
from typing import Any

from ...engine.work import copied
from ..tables import Row
from .answers import flat
from .database import Database, dependents, title_of
from .errors import Refused, invalid
from .models import TAGGED, Model

_COMPUTED = frozenset({"id", "url", "display_url", "display", "family", "created", "last_updated"})
_ADDRESSES = {"address": "ipam.ipaddress", "prefix": "ipam.prefix"}


def create(database: Database, model: Model, given: Mapping[str, Any], user: str) -> Row:
    """A new object; Refused 400 for missing or wrong fields."""
    lacking = [name for name in model.required if given.get(name) in (None, "")]
    if lacking:
        raise Refused(400, {name: ["This field is required."] for name in lacking})
    now = database.now()
    row = {**copied(dict(model.defaults)), **_read(database, model, given, None), "created": now, "last_updated": now}
    stored = database.insert(model.label, row)
    _log(database, model, stored, "create", user, None, flat(database, model, stored))
    return stored


def update(database: Database, model: Model, row_id: int, given: Mapping[str, Any], user: str) -> Row:
    """Changes the given fields; Refused 400 for wrong ones."""
    before = flat(database, model, _there(database, model, row_id))
    changes = _read(database, model, given, row_id)
    row = database.change(model.label, row_id)
    row.update(changes, last_updated=database.now())
    _log(database, model, row, "update", user, before, flat(database, model, row))
    return row


def delete(database: Database, model: Model, row_id: int, user: str) -> None:
    """Deletes; Refused 409 while others point to it."""
    row = _there(database, model, row_id)
    others = dependents(database, model.label, row_id)
    if others:
        named = ", ".join(f"{title_of(kind, other)} ({other['id']})" for kind, other in others)
        detail = f"Unable to delete object. {len(others)} dependent objects were found: {named}"
        raise Refused(409, {"detail": detail})
    _log(database, model, row, "delete", user, flat(database, model, row), None)
    database.remove(model.label, row_id)


def _there(database: Database, model: Model, row_id: int) -> Row:
    row = database.find(model.label, row_id)
    if row is None:
        raise LookupError(f"no {model.label} {row_id}")
    return row


def _read(database: Database, model: Model, given: Mapping[str, Any], row_id: int | None) -> Row:
    """The fields as they are kept: relations and tags as ids, values checked. What is computed is ignored."""
    read: Row = {}
    for name, value in given.items():
        if name not in model.fields or name in _COMPUTED or name in model.counts:
            continue  # as Django REST framework does
        if name in model.relations:
            read[name] = _related(database, model.relations[name], name, value)
        elif name in model.choices:
            read[name] = _chosen(model, name, value)
        elif model.label in TAGGED and name == "tags":
            read[name] = [_related(database, "extras.tag", "tags", each) for each in value]
        elif model.label in TAGGED and name == "custom_fields":
            read[name] = _custom(database, model, value, row_id)
        else:
            read[name] = _address(name, value) if _ADDRESSES.get(name) == model.label else value
    for name in model.unique:
        _check_unique(database, model, name, read.get(name), row_id)
    return read


def _related(database: Database, label: str, field: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, Mapping):
        found = [row for row in database.rows(label) if all(row.get(name) == wanted for name, wanted in value.items())]
        if len(found) == 1:
            return int(found[0]["id"])
        problem = "Multiple objects match" if found else "Related object not found using"
        raise invalid(field, f"{problem} the provided attributes: {dict(value)}")
    try:
        row_id = int(value)
    except (TypeError, ValueError) as error:
        problem = "Related objects must be referenced by numeric ID or by dictionary of attributes."
        raise invalid(field, f"{problem} Received an unrecognized value: {value}") from error
    if database.find(label, row_id) is None:
        raise invalid(field, f"Related object not found using the provided numeric ID: {row_id}")
    return row_id


def _chosen(model: Model, name: str, value: Any) -> Any:
    if value not in model.choices[name]:
        raise invalid(name, f"{value} is not a valid choice.")
    return value


def _address(name: str, value: Any) -> str:
    try:
        read = ipaddress.ip_interface(str(value)) if name == "address" else ipaddress.ip_network(str(value))
    except ValueError as error:
        raise invalid(name, f"Invalid IP address format: {value}") from error
    return str(read)


def _custom(database: Database, model: Model, value: Any, row_id: int | None) -> Row:
    if not isinstance(value, Mapping):
        raise invalid("custom_fields", "Invalid data format. Custom field data must be passed as a dictionary.")
    fields = {field["name"]: field for field in database.custom_fields(model.label)}
    unknown = sorted(set(value) - set(fields))
    if unknown:
        problems = {name: f"Custom field '{name}' does not exist for this object type." for name in unknown}
        raise Refused(400, {"custom_fields": problems})
    for name, held in value.items():
        others = (row for row in database.rows(model.label) if row["id"] != row_id)
        taken = any(row.get("custom_fields", {}).get(name) == held for row in others)
        if fields[name].get("unique") and held not in (None, "") and taken:
            raise Refused(400, {"__all__": [f"Custom field '{name}' must have a unique value."]})
    before = (database.find(model.label, row_id) or {}).get("custom_fields", {}) if row_id else {}
    return {**before, **value}


def _check_unique(database: Database, model: Model, name: str, value: Any, row_id: int | None) -> None:
    if value in (None, ""):
        return
    if any(row.get(name) == value and row["id"] != row_id for row in database.rows(model.label)):
        raise invalid(name, f"{model.title.capitalize()} with this {name.capitalize()} already exists.")


def _log(
    database: Database, model: Model, row: Row, action: str, user: str, before: Row | None, after: Row | None
) -> None:
    if model.label == "core.objectchange":
        return
    database.insert(
        "core.objectchange",
        {
            "time": database.now(),
            "user_name": user,
            "request_id": str(uuid.uuid4()),
            "action": action,
            "changed_object_type": model.label,
            "changed_object_id": row["id"],
            "object_repr": title_of(model, row),
            "message": "",
            "prechange_data": before,
            "postchange_data": after,
        },
    )
