"""Which methods may be called on which model, with their named arguments as Odoo has them.

A method that works on records takes `ids`; the others are those that Odoo marks with @api.model, and refuse them.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from . import groups, keys, loading, moves, orm, payments
from .env import Env
from .errors import access_error, http_error, not_modelled


@dataclass(frozen=True, slots=True)
class Method:
    """`run(env, model, [ids,] **arguments)`; its parameters after these are Odoo's."""

    run: Callable[..., Any]
    of_records: bool

    def check(self, arguments: Mapping[str, Any], positional: Sequence[Any] = ()) -> None:
        """Checks names and number of arguments; TypeError with Python's words."""
        ahead = (None, None, None) if self.of_records else (None, None)
        inspect.signature(self.run).bind(*ahead, *positional, **arguments)


def _create(env: Env, model: str, vals_list: Any) -> list[int]:
    _refuse_lines(model)
    many = vals_list if isinstance(vals_list, list) else [vals_list]
    if model in _CREATORS:
        return [_CREATORS[model](env, values) for values in many]
    return [orm.create(env, model, values) for values in many]


def _write(env: Env, model: str, ids: list[int], vals: Mapping[str, Any]) -> bool:
    _refuse_lines(model)
    return moves.write(env, ids, vals) if model == moves.MOVE else orm.write(env, model, ids, vals)


def _unlink(env: Env, model: str, ids: list[int]) -> bool:
    _refuse_lines(model)
    return moves.unlink(env, ids) if model == moves.MOVE else orm.unlink(env, model, ids)


def _refuse_lines(model: str) -> None:
    if model == moves.LINE:
        raise not_modelled("changing account.move.line by itself; go through invoice_line_ids")


def _read(
    env: Env, model: str, ids: list[int], fields: list[str] | None = None, load: str | None = "_classic_read"
) -> Any:
    return orm.read(env, model, ids, fields, load)


def _context_get(env: Env, _model: str) -> dict[str, Any]:
    return {"lang": "en_US", "tz": "UTC", "uid": env.user["id"]}


def _has_group(env: Env, _model: str, ids: list[int], group_ext_id: str) -> bool:
    """Of the caller alone, and of the two groups that the sandbox's users have."""
    if ids != [env.user["id"]]:
        raise not_modelled("has_group of another user")
    return group_ext_id == "base.group_user" or (group_ext_id == "base.group_system" and env.is_admin)


def _action_post(env: Env, _model: str, ids: list[int]) -> bool:
    return moves.action_post(env, ids)


def _button_draft(env: Env, _model: str, ids: list[int]) -> None:
    moves.button_draft(env, ids)


def _button_cancel(env: Env, _model: str, ids: list[int]) -> None:
    moves.button_cancel(env, ids)


def _action_create_payments(env: Env, _model: str, ids: list[int]) -> Any:
    return payments.action_create_payments(env, ids)


def _refund_moves(env: Env, _model: str, ids: list[int]) -> Any:
    return payments.refund_moves(env, ids)


def _generate(
    env: Env, _model: str, key: str, scope: str | None = None, name: str = "", expiration_date: str | None = None
) -> str:
    return keys.generate(env, [], key, scope, name, expiration_date)


def _revoke(env: Env, _model: str, key: str) -> None:
    keys.revoke(env, [], key)


_CREATORS: dict[str, Callable[[Env, Mapping[str, Any]], int]] = {
    moves.MOVE: moves.create,
    payments.REGISTER: payments.create_register,
    payments.REVERSAL: payments.create_reversal,
}
_EVERYWHERE = {
    "search": Method(orm.search, False),
    "search_count": Method(orm.search_count, False),
    "search_read": Method(orm.search_read, False),
    "read": Method(_read, True),
    "create": Method(_create, False),
    "write": Method(_write, True),
    "unlink": Method(_unlink, True),
    "name_search": Method(orm.name_search, False),
    "fields_get": Method(orm.fields_get, False),
    "formatted_read_group": Method(groups.formatted_read_group, False),
    "read_group": Method(groups.read_group, False),
    "load": Method(loading.load, False),
}
_OF_MODEL: dict[str, dict[str, Method]] = {
    keys.USERS: {"context_get": Method(_context_get, False), "has_group": Method(_has_group, True)},
    keys.KEYS: {"generate": Method(_generate, False), "revoke": Method(_revoke, False)},
    moves.MOVE: {
        "action_post": Method(_action_post, True),
        "button_draft": Method(_button_draft, True),
        "button_cancel": Method(_button_cancel, True),
    },
    payments.REGISTER: {"action_create_payments": Method(_action_create_payments, True)},
    payments.REVERSAL: {"refund_moves": Method(_refund_moves, True)},
}


def find(env: Env, model: str, name: str) -> Method:
    """The method; 404 for a model or method that there is not, AccessError 403 for a private one."""
    env.check_access(model)
    if name.startswith("_"):
        raise access_error(f"Private methods (such as '{model}.{name}') cannot be called remotely.")
    method = _OF_MODEL.get(model, {}).get(name) or _EVERYWHERE.get(name)
    if method is None:
        raise http_error(404, "NotFound", f"The method '{model}.{name}' does not exist (or the sandbox has it not)")
    return method
