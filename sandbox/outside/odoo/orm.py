"""What every model can do: search, count, read, create, write, delete, and tell its fields."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from typing import Any

from ..tables import Row
from . import vat
from .domain import compiled, names_in
from .env import Env, field_of, unknown_field
from .errors import access_error, user_error, validation_error, value_error
from .schema import COMPUTED, MODELS

_DEFAULT_NOT_ZERO = {"active": True, "type": "binary", "quantity": 1.0, "amount_type": "percent",
                     "type_tax_use": "sale", "decimal_places": 2, "sequence": 10}  # fmt: skip
_TIMES = {"date": r"\d{4}-\d\d-\d\d", "datetime": r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?"}
_OF_COMPANY = ("sale.order", "ir.attachment")
_READ_ONLY = frozenset({"res.users", "res.users.apikeys", "res.company", "res.country", "res.currency"})


def found(env: Env, model: str, domain: list[Any]) -> list[Row]:
    """The rows that the user sees and that fit, in order of id.

    Archived records are left out unless the domain or the context speaks of them; attachments of fields (images of
    contacts and the like) unless the domain speaks of `id` or `res_field`: with an empty domain they are missing.
    """
    test = compiled(env, model, domain)
    mentioned = names_in(domain)
    rows = env.rows(model)
    if "active" in MODELS[model] and "active" not in mentioned and env.context.get("active_test", True):
        rows = [row for row in rows if env.value(model, row, "active")]
    if model == "ir.attachment" and not mentioned & {"id", "res_field"}:
        rows = [row for row in rows if not row.get("res_field")]
    return [row for row in rows if test(row)]


def search(
    env: Env, model: str, domain: list[Any], offset: int = 0, limit: int | None = None, order: str | None = None
) -> list[int]:
    """Ids, by id unless `order` ("date desc, id") says otherwise."""
    rows = found(env, model, domain)
    for part in reversed((order or "").split(",")):
        name, _, direction = part.strip().partition(" ")
        if name:
            field_of(model, name)
            down = direction.strip().lower() == "desc"
            rows.sort(key=lambda row: _sortable(env.value(model, row, name)), reverse=down)
    ids = [row["id"] for row in rows]
    return ids[offset:] if limit is None else ids[offset : offset + limit]


def search_count(env: Env, model: str, domain: list[Any], limit: int | None = None) -> int:
    """How many."""
    count = len(found(env, model, domain))
    return count if limit is None else min(count, limit)


def search_read(
    env: Env,
    model: str,
    domain: list[Any] | None = None,
    fields: list[str] | None = None,
    offset: int = 0,
    limit: int | None = None,
    order: str | None = None,
) -> list[Row]:
    """Both at once."""
    return read(env, model, search(env, model, domain or [], offset, limit, order), fields)


def read(
    env: Env, model: str, ids: list[int], fields: list[str] | None = None, load: str | None = "_classic_read"
) -> list[Row]:
    """The records; a relation to one as [id, name], or as id with another `load`."""
    wanted = fields or list(MODELS[model])
    for name in wanted:
        field_of(model, name)
    return [
        {"id": row["id"], **{name: _shown(env, model, row, name, load) for name in wanted}}
        for row in env.browse(model, ids)
    ]


def name_search(
    env: Env, model: str, name: str = "", domain: list[Any] | None = None, operator: str = "ilike", limit: int = 100
) -> list[list[Any]]:
    """[id, name] of what is called so."""
    rows = found(env, model, [*(domain or []), ["display_name", operator, name]] if name else domain or [])
    return [[row["id"], env.title(model, row)] for row in rows[:limit]]


def fields_get(
    env: Env, model: str, allfields: list[str] | None = None, attributes: list[str] | None = None
) -> dict[str, Row]:
    """The fields with type, relation, whether they are required, and the values of selections."""
    env.check_access(model)
    told = {}
    for name, field in MODELS[model].items():
        if allfields and name not in allfields:
            continue
        facts: Row = {"name": name, "type": field.type, "string": name, "required": field.required}
        if field.comodel:
            facts["relation"] = field.comodel
        if field.choices:
            facts["selection"] = [[choice, choice] for choice in field.choices]
        told[name] = {key: value for key, value in facts.items() if not attributes or key in attributes}
    return told


def create(env: Env, model: str, values: Mapping[str, Any]) -> int:
    """A new record; its id. ValidationError 422 for what is missing or wrong."""
    env.check_access(model)
    if model in _READ_ONLY and not env.is_admin:
        raise access_error(f"You are not allowed to create '{model}' records.")
    row = {**_defaults(env, model), **stored(env, model, values)}
    for name, field in MODELS[model].items():
        if field.required and row.get(name) in (None, False, ""):
            raise validation_error(
                "The operation cannot be completed:\n- Create/update: a mandatory field is not set.\n"
                f"- Model: {model}, field: {name}"
            )
    _check(env, model, row)
    moment = env.now()
    row |= {"create_date": moment, "write_date": moment, "create_uid": env.user["id"]}
    return int(env.table(model).insert(row)["id"])


def write(env: Env, model: str, ids: list[int], values: Mapping[str, Any]) -> bool:
    """Changes all of them alike."""
    if model in _READ_ONLY and not env.is_admin:
        raise access_error(f"You are not allowed to modify '{model}' records.")
    changes = stored(env, model, values)
    for row in env.browse(model, ids):
        _check(env, model, {**row, **changes})
        env.table(model).change(row["id"]).update(changes, write_date=env.now())
    return True


def unlink(env: Env, model: str, ids: list[int]) -> bool:
    """Deletes them."""
    if model in _READ_ONLY and not env.is_admin:
        raise access_error(f"You are not allowed to delete '{model}' records.")
    for row in env.browse(model, ids):
        env.table(model).remove(row["id"])
    return True


def stored(env: Env, model: str, values: Mapping[str, Any]) -> Row:
    """Values as they are kept: ids for relations, commands carried out, computed fields left out."""
    row: Row = {}
    for name, value in values.items():
        if name not in MODELS[model]:
            raise unknown_field(model, name)
        if name not in COMPUTED:
            row[name] = _kept(env, model, name, value)
    if model == "ir.attachment" and "datas" in row:
        row |= _measured(row["datas"])
    return row


def _kept(env: Env, model: str, name: str, value: Any) -> Any:
    field = MODELS[model][name]
    if field.type == "many2many":
        return linked(value)
    if field.type == "one2many" or value in (None, False):
        return value if field.type == "one2many" else False
    if field.type == "many2one":
        if not isinstance(value, int) or env.table(str(field.comodel)).find(value) is None:
            raise validation_error(
                "The operation cannot be completed: another model requires the record being deleted or it does "
                f"not exist. (Model: {model}, field: {name}, value: {value!r})"
            )
    elif field.type == "selection" and value not in field.choices:
        raise value_error(f"Wrong value for {model}.{name}: {value!r}")
    elif field.type in ("integer", "float", "monetary") and not isinstance(value, int | float):
        raise value_error(f"could not convert {value!r} to a number for {model}.{name}")
    elif field.type in _TIMES and not re.fullmatch(_TIMES[field.type], str(value)):
        raise value_error(f"time data {value!r} does not fit a {field.type} ({model}.{name})")
    return value


def linked(commands: Any) -> list[int]:
    """The ids that the commands [6, 0, ids], [4, id] and [5] of a many2many leave, or a plain list of ids."""
    ids: list[int] = []
    for command in commands or []:
        if isinstance(command, int):
            ids.append(command)
        elif command[0] == 6:
            ids = list(command[2])
        elif command[0] == 4:
            ids.append(command[1])
        elif command[0] == 5:
            ids = []
        else:
            raise user_error(f"the sandbox does not model the command {command!r} on a many2many field")
    return ids


def _defaults(env: Env, model: str) -> Row:
    row: Row = {name: value for name, value in _DEFAULT_NOT_ZERO.items() if name in MODELS[model]}
    return {**row, "company_id": env.companies[0]} if model in _OF_COMPANY else row


def _check(env: Env, model: str, row: Row) -> None:
    """A VAT number has to fit the partner's country."""
    if model == "res.partner" and row.get("vat"):
        country = env.table("res.country").find(row["country_id"]) if row.get("country_id") else None
        problem = vat.problem_of(str(row["vat"]), country["code"] if country else None, str(row.get("name") or ""))
        if problem is not None:
            raise validation_error(problem)


def _measured(datas: str) -> Row:
    """What Odoo works out of an attachment's content."""
    try:
        content = base64.b64decode(datas or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise value_error("Incorrect padding") from error
    return {"file_size": len(content), "checksum": hashlib.sha1(content, usedforsecurity=False).hexdigest()}


def _shown(env: Env, model: str, row: Row, name: str, load: str | None) -> Any:
    field = MODELS[model][name]
    value = env.value(model, row, name)
    if field.type == "many2one" and value and load == "_classic_read":
        other = env.table(str(field.comodel)).find(value)
        return [value, env.title(str(field.comodel), other)] if other is not None else False
    return value


def _sortable(value: Any) -> tuple[bool, str, float]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (False, "", float(value))
    return (value in (False, None), str(value or ""), 0.0)
