"""What a test puts into NetBox without its API: objects by the dozen, with the parts that NetBox asks for made up."""

import ipaddress
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ..tables import Row
from . import changes, tokens
from .database import Database
from .errors import Refused
from .models import BY_PATH, MODELS, TAGGED, Model

_USER = "seed"
_MOST = 20_000
_BASE = ("dcim.site", "dcim.devicerole", "dcim.manufacturer", "dcim.devicetype")
# `tenants`, `virtual_machines`, ...: the last part of a model's path.
NAMES = {path.rpartition("/")[2].replace("-", "_"): model for path, model in BY_PATH.items() if not model.read_only}


def ensure(database: Database) -> None:
    """Makes the tokens, and a site, a role and a device type for devices that name none."""
    tokens.ensure(database)
    if database.rows("dcim.site"):
        return
    thing = {"name": "Sandbox", "slug": "sandbox"}
    for label in _BASE[:3]:
        changes.create(database, MODELS[label], thing, _USER)
    kind = {"manufacturer": {"slug": "sandbox"}, "model": "Server", "slug": "server"}
    changes.create(database, MODELS["dcim.devicetype"], kind, _USER)


def seed(database: Database, given: Mapping[str, Any]) -> dict[str, list[int]]:
    """Makes objects: `{"tenants": [{"name": "Acme"}], "devices": [{"tenant": "acme", "count": 42}]}`.

    Relations are named by slug, name, rd or id; `count` makes that many, numbered; slugs, names, addresses and
    prefixes are made up when not given; tags are made when they do not exist. Returns the ids. ValueError when wrong.
    """
    ensure(database)
    made: dict[str, list[int]] = {}
    for name in given:
        if name not in NAMES:
            raise ValueError(f"unknown key {name!r}; known are: {', '.join(NAMES)}")
    # What others point to has to be there first; the models stand in that order, but for these two.
    for name in sorted(NAMES, key=lambda each: each not in ("tags", "custom_fields")):
        model = NAMES[name]
        for row in given.get(name, []):
            made.setdefault(name, []).extend(_several(database, model, dict(row)))
    return made


def _several(database: Database, model: Model, row: Row) -> Iterable[int]:
    wanted = int(row.pop("count", 1))
    if not 0 <= wanted <= _MOST:
        raise ValueError(f"count is 0 to {_MOST}")
    numbered = wanted > 1
    named = _pointed(database, model, row)
    for number in range(1, wanted + 1):
        full = _completed(database, model, named, number if numbered else None)
        try:
            yield int(changes.create(database, model, full, _USER)["id"])
        except Refused as error:
            raise ValueError(f"{model.path}: {error}") from error


def _pointed(database: Database, model: Model, row: Row) -> Row:
    """Relations and tags as ids, from whatever names them."""
    pointed = dict(row)
    for field, label in model.relations.items():
        if isinstance(row.get(field), str):
            pointed[field] = _named(database, label, row[field])
    if model.label in TAGGED and row.get("tags"):
        pointed["tags"] = [_tag(database, each) for each in row["tags"]]
    return pointed


def _named(database: Database, label: str, name: str) -> int:
    for row in database.rows(label):
        if name in (row.get("slug"), row.get("name"), row.get("rd"), row.get("model")):
            return int(row["id"])
    raise ValueError(f"there is no {MODELS[label].title} {name!r}")


def _tag(database: Database, name: Any) -> int:
    if isinstance(name, int):
        return name
    try:
        return _named(database, "extras.tag", str(name))
    except ValueError:
        slug = {"name": str(name), "slug": _slug(str(name))}
        return int(changes.create(database, MODELS["extras.tag"], slug, _USER)["id"])


def _completed(database: Database, model: Model, row: Row, number: int | None) -> Row:
    full = dict(row)
    place = number or len(database.rows(model.label)) + 1
    if "name" in model.fields:
        base = full.get("name") or f"{model.title.replace(' ', '-').lower()}-{place}"
        full["name"] = f"{base}-{number}" if number and row.get("name") else base
    if "slug" in model.fields and not full.get("slug"):
        full["slug"] = _slug(str(full.get("name") or full.get("model")))
    for field in model.relations:
        if field in model.required and full.get(field) is None:
            full[field] = database.rows(model.relations[field])[0]["id"]
    if model.label == "ipam.ipaddress" and "address" not in full:
        full["address"] = f"{ipaddress.IPv4Address('10.0.0.0') + _free(database, model)}/24"
    if model.label == "ipam.prefix" and "prefix" not in full:
        full["prefix"] = f"{ipaddress.IPv4Address('10.0.0.0') + 256 * _free(database, model)}/24"
    if model.label == "extras.customfield":
        full = {"type": "text", "object_types": ["tenancy.tenant"], **full}
    return full


def _free(database: Database, model: Model) -> int:
    return len(database.rows(model.label)) + 1


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-") or "x"


def clear(database: Database) -> None:
    """Takes everything out, tokens too."""
    for label in (*MODELS, tokens.TABLE):
        database.clear(label)
