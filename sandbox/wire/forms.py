"""Stripe's form encoding: `items[0][price]=x` and `expand[]=y` become nested data of strings."""

import re
from typing import Any
from urllib.parse import parse_qsl

from ..errors import InvalidRequest

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_DEEPEST = 12


def decode(text: str) -> dict[str, Any]:
    """The nested parameters; leaves are strings, `[]` makes lists, numbered keys stay dictionaries.

    InvalidRequest for keys that are no such path or that contradict each other.
    """
    result: dict[str, Any] = {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=5000, errors="strict")
    except ValueError as error:
        raise InvalidRequest("The request body could not be read as a form.") from error
    for key, value in pairs:
        _put(result, _path(key), value, key)
    return result


def _path(key: str) -> list[str]:
    found = _KEY.fullmatch(key)
    if found is None:
        raise InvalidRequest(f"Received unknown parameter: {key}", code="parameter_unknown", param=key)
    path = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
    if len(path) > _DEEPEST:
        raise InvalidRequest("Parameters are nested too deeply.", param=path[0])
    return path


def _put(node: dict[str, Any], path: list[str], value: str, key: str) -> None:
    for place, name in enumerate(path[:-1]):
        following = path[place + 1]
        if following == "" and place + 2 == len(path):
            items = node.setdefault(name, [])
            if not isinstance(items, list):
                raise InvalidRequest(f"Invalid array: {key}", param=key)
            items.append(value)
            return
        child = node.setdefault(name, {})
        if not isinstance(child, dict):
            raise InvalidRequest(f"Invalid object: {key}", param=key)
        node = child
    if isinstance(node.get(path[-1]), dict | list):
        raise InvalidRequest(f"Invalid object: {key}", param=key)
    node[path[-1]] = value
