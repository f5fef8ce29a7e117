"""Rows as NetBox answers them: nested objects, choices as value and label, counts, brief and chosen fields."""

import ipaddress
from collections.abc import Collection
from typing import Any

from ..tables import Row
from .database import Database, title_of
from .models import MODELS, TAGGED, Model

_TAG_FIELDS = ("id", "url", "display_url", "display", "name", "slug", "color")


def rendered(database: Database, root: str, model: Model, row: Row, fields: Collection[str] = ()) -> Row:
    """The object; `fields` picks some, and an unknown name in it picks nothing, as in NetBox. `root` is where
    NetBox is reached, without a slash at the end.
    """
    wanted = [name for name in model.fields if not fields or name in fields]
    return {name: _value(database, root, model, row, name) for name in wanted}


def _nested(database: Database, root: str, label: str, row_id: int) -> Row | None:
    model = MODELS[label]
    row = database.find(label, row_id)
    if row is None:
        return None
    # Counts are not computed for nested objects.
    return rendered(database, root, model, row, [name for name in model.brief if name not in model.counts])


def _value(database: Database, root: str, model: Model, row: Row, name: str) -> Any:
    if name in ("url", "display_url"):
        return f"{root}/{'api/' if name == 'url' else ''}{model.path}/{row['id']}/"
    if name == "display":
        return title_of(model, row)
    if name in model.relations:
        return None if row.get(name) is None else _nested(database, root, model.relations[name], row[name])
    if name in model.choices:
        value = row.get(name)
        return {"value": value, "label": model.choices[name].get(value, "")} if value else None
    if name in model.counts:
        label, field = model.counts[name]
        return database.count(label, field, row["id"])
    if name == "family":
        version = family_of(row)
        return {"value": version, "label": f"IPv{version}"}
    if model.label in TAGGED and name == "tags":
        return [_tag(database, root, tag_id) for tag_id in row.get("tags", [])]
    if model.label in TAGGED and name == "custom_fields":
        return custom_values(database, model.label, row)
    if model.label == "extras.tag" and name == "tagged_items":
        return tagged_items(database, row["id"])
    return row.get(name, model.defaults.get(name))


def custom_values(database: Database, label: str, row: Row) -> Row:
    """Every custom field of the model, null where the object has none."""
    held = row.get("custom_fields", {})
    return {field["name"]: held.get(field["name"]) for field in database.custom_fields(label)}


def family_of(row: Row) -> int:
    """4 or 6, of an address or prefix."""
    return ipaddress.ip_interface(row.get("address") or row["prefix"]).version


def tagged_items(database: Database, tag_id: int) -> int:
    """How many objects carry the tag."""
    return sum(tag_id in row.get("tags", []) for label in TAGGED for row in database.rows(label))


def flat(database: Database, model: Model, row: Row) -> Row:
    """A row as the change log keeps it: relations as ids, tags as names."""
    hidden = {"id", "url", "display_url", "display", "family", "tags", *model.counts}
    kept = {name: row.get(name, model.defaults.get(name)) for name in model.fields if name not in hidden}
    if model.label in TAGGED:
        tags = (database.find("extras.tag", tag_id) for tag_id in row.get("tags", []))
        kept["tags"] = sorted(tag["name"] for tag in tags if tag is not None)
        kept["custom_fields"] = custom_values(database, model.label, row)
    return kept


def _tag(database: Database, root: str, tag_id: int) -> Row | None:
    row = database.find("extras.tag", tag_id)
    return None if row is None else rendered(database, root, MODELS["extras.tag"], row, _TAG_FIELDS)
