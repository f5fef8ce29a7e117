"""`load`: rows of text with external ids, as a spreadsheet would be imported.

The trap is Odoo's: a record that its external id finds is changed, but its lines are only found by ids of their own;
without these a second call appends them once more.
"""

from collections.abc import Sequence
from typing import Any

from ..tables import Row
from . import moves, orm
from .env import Env, unknown_field
from .errors import OdooError
from .schema import MODELS, Field

_DATA = "ir.model.data"


def load(env: Env, model: str, fields: Sequence[str], data: Sequence[Sequence[Any]]) -> Row:
    """`ids` of the records, or False and `messages` when anything is wrong; then nothing was changed."""
    ids: list[int] = []
    for first, last in _blocks(fields, data):
        try:
            ids.append(_load_one(env, model, fields, data[first:last]))
        except OdooError as error:
            env.work.undo()
            message = {
                "type": "error",
                "message": error.message,
                "record": len(ids),
                "rows": {"from": first, "to": last - 1},
                "field": False,
            }
            return {"ids": False, "messages": [message], "nextrow": 0}
    return {"ids": ids, "messages": [], "nextrow": 0}


def _blocks(fields: Sequence[str], data: Sequence[Sequence[Any]]) -> list[tuple[int, int]]:
    """Where each record begins and ends: a row with nothing of the record itself goes on with the one before."""
    own = [place for place, name in enumerate(fields) if not _is_of_line(name)]
    starts = [number for number, row in enumerate(data) if number == 0 or any(row[place] for place in own)]
    return list(zip(starts, [*starts[1:], len(data)], strict=True))


def _is_of_line(name: str) -> bool:
    return name.startswith("invoice_line_ids/")


def _load_one(env: Env, model: str, fields: Sequence[str], rows: Sequence[Sequence[Any]]) -> int:
    own = {name: value for name, value in zip(fields, rows[0], strict=True) if not _is_of_line(name)}
    external = str(own.pop("id", "") or "")
    values = _converted(env, model, own)
    commands: list[list[Any]] = []
    names: list[str] = []
    for row in rows:
        cells = zip(fields, row, strict=True)
        line = {name.partition("/")[2]: value for name, value in cells if _is_of_line(name) and value not in ("", None)}
        if line:
            line_name = str(line.pop("id", "") or "")
            known = _known(env, moves.LINE, line_name)
            content = _converted(env, moves.LINE, line)
            commands.append([1, known, content] if known else [0, 0, content])
            names += [] if known else [line_name]
    record = _known(env, model, external)
    if commands:
        values["invoice_line_ids"] = commands
    if record is None:
        record = moves.create(env, values) if model == moves.MOVE else orm.create(env, model, values)
        _name(env, model, external, record)
    elif model == moves.MOVE:
        moves.write(env, [record], values)
    else:
        orm.write(env, model, [record], values)
    if names:
        _name_lines(env, record, names)
    return record


def _name_lines(env: Env, move_id: int, names: list[str]) -> None:
    """Gives the lines that were just made their external ids; made last, they have the highest ids."""
    made = [line["id"] for line in env.table(moves.LINE).rows() if line["move_id"] == move_id]
    for line_id, name in zip(made[len(made) - len(names) :], names, strict=True):
        _name(env, moves.LINE, name, line_id)


def _converted(env: Env, model: str, cells: dict[str, Any]) -> Row:
    values: Row = {}
    for path, value in cells.items():
        name, _, how = path.partition("/")
        field = MODELS[model].get(name)
        if field is None:
            raise unknown_field(model, name)
        if field.comodel and value not in ("", None, False):
            found = [_related(env, field, how, each.strip()) for each in str(value).split(",")]
            values[name] = [[6, 0, found]] if field.is_many else found[0]
        elif field.type in ("float", "monetary", "integer") and isinstance(value, str):
            values[name] = (int if field.type == "integer" else float)(value or 0)
        else:
            values[name] = value
    return values


def _related(env: Env, field: Field, how: str, text: str) -> int:
    comodel = str(field.comodel)
    if how == ".id":
        return int(text)
    if how == "id":
        known = _known(env, comodel, text)
    else:
        known = next((row["id"] for row in env.rows(comodel) if env.title(comodel, row) == text), None)
    if known is None:
        raise OdooError(422, "odoo.exceptions.ValidationError", f"No matching record found for {text!r} in {comodel}")
    return known


def _known(env: Env, model: str, external: str) -> int | None:
    if not external:
        return None
    module, name = _parts(external)
    for row in env.table(_DATA).rows():
        if (row["module"], row["name"], row["model"]) == (module, name, model):
            found = env.table(model).find(row["res_id"])
            return None if found is None else int(row["res_id"])
    return None


def _name(env: Env, model: str, external: str, record: int) -> None:
    if external:
        module, name = _parts(external)
        env.table(_DATA).insert({"module": module, "name": name, "model": model, "res_id": record})


def _parts(external: str) -> tuple[str, str]:
    module, _, name = external.partition(".")
    return (module, name) if name else ("__import__", external)
