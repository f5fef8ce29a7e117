"""Turns decoded form strings into the types that the contract names, as Stripe's front door does.

Everything on the wire is a string; `trial_period_days=7` becomes 7 because the schema says integer.
What does not fit is refused with Stripe's code for it, before any rule runs.
"""

import re
from typing import Any

from ..errors import InvalidRequest
from . import Contract

_INTEGER = re.compile(r"[+-]?\d{1,18}")
_MOST_NAMED = 20
_NUMBER = re.compile(r"[+-]?\d{1,18}(\.\d{1,12})?")


def coerce_params(contract: Contract, node: dict[str, Any], raw: dict[str, Any]) -> dict[str, Any]:
    """The request's parameters with their types.

    Raises InvalidRequest: parameter_unknown, parameter_missing, parameter_invalid_integer,
    parameter_invalid_empty, or without a code for a wrong shape or a value outside its enum.
    """
    value = _Coercer(contract).value(node, raw, "")
    if not isinstance(value, dict):
        raise InvalidRequest("The request body could not be read as parameters.")
    return value


class _Coercer:
    def __init__(self, contract: Contract) -> None:
        self._contract = contract

    def value(self, node: dict[str, Any], raw: Any, path: str) -> Any:
        node = self._contract.resolve(node)
        if "anyOf" in node:
            return self._any_of(node, raw, path)
        kinds = _kinds(node)
        if isinstance(raw, str):
            return self._scalar(node, kinds, raw, path)
        if "array" in kinds:
            return self._array(node, raw, path)
        if "object" in kinds and isinstance(raw, dict):
            return self._object(node, raw, path)
        if not node:
            return raw
        raise InvalidRequest(f"Invalid {'string' if 'string' in kinds else kinds[0]}: {raw!r}", param=path)

    def _any_of(self, node: dict[str, Any], raw: Any, path: str) -> Any:
        branches = [self._contract.resolve(branch) for branch in node["anyOf"]]
        if isinstance(raw, str):
            return self._scalar_branch(branches, raw, path)
        wanted = [branch for branch in branches if {"object", "array"} & set(_kinds(branch))]
        if isinstance(raw, list):
            wanted = [branch for branch in branches if "array" in _kinds(branch)]
        if not wanted:
            raise InvalidRequest(f"Invalid value for {path}.", param=path)
        return self.value(wanted[0], raw, path)

    def _scalar_branch(self, branches: list[dict[str, Any]], raw: str, path: str) -> Any:
        enums = [branch for branch in branches if "enum" in branch]
        if any(raw in branch["enum"] for branch in enums):
            return raw
        plain = [
            branch for branch in branches
            if "enum" not in branch and not {"object", "array", "null"} & set(_kinds(branch))
        ]  # fmt: skip
        # Numbers before free strings: `created=5` is a number wherever a number is allowed.
        plain.sort(key=lambda branch: "string" in _kinds(branch))
        for branch in plain:
            try:
                return self.value(branch, raw, path)
            except InvalidRequest:
                if branch is plain[-1]:
                    raise
        if raw and enums and any(enums[0]["enum"]):
            raise _outside(enums[0]["enum"], path)
        raise _empty(path) if raw == "" else InvalidRequest("Invalid object", param=path)

    def _scalar(self, node: dict[str, Any], kinds: list[str], raw: str, path: str) -> Any:
        if "enum" in node:
            if raw not in node["enum"]:
                raise _empty(path) if raw == "" else _outside(node["enum"], path)
            return raw
        if raw == "":
            if "null" in kinds:
                return ""
            raise _empty(path)
        return self._text(node, raw, path) if "string" in kinds else _converted(kinds, raw, path)

    def _text(self, node: dict[str, Any], raw: str, path: str) -> str:
        if node.get("x-decimal") and not re.search(node["pattern"], raw):
            raise InvalidRequest(f"Invalid decimal: {raw}", param=path)
        if len(raw) > 5000:
            raise InvalidRequest(
                f"Invalid string: {raw[:20]}...; must be at most 5000 characters",
                param=path,
            )
        return raw

    def _array(self, node: dict[str, Any], raw: Any, path: str) -> list[Any]:
        if isinstance(raw, dict):
            if not all(key.isdigit() for key in raw):
                raise InvalidRequest("Invalid array", param=path)
            raw = [raw[key] for key in sorted(raw, key=int)]
        return [self.value(node["items"], item, f"{path}[{index}]") for index, item in enumerate(raw)]

    def _object(self, node: dict[str, Any], raw: dict[str, Any], path: str) -> dict[str, Any]:
        fields = node.get("properties", {})
        rest = node.get("additionalProperties", True)
        result = {}
        for key, item in raw.items():
            here = f"{path}[{key}]" if path else key
            child = fields.get(key, rest)
            if child is False:
                raise InvalidRequest(f"Received unknown parameter: {here}", code="parameter_unknown", param=here)
            result[key] = _free_text(item, here) if _is_metadata(node) else self.value(child, item, here)
        for key in node.get("required", ()):
            if key not in result:
                here = f"{path}[{key}]" if path else key
                raise InvalidRequest(f"Missing required param: {here}.", code="parameter_missing", param=here)
        return result


def _kinds(node: dict[str, Any]) -> list[str]:
    kind = node.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _is_metadata(node: dict[str, Any]) -> bool:
    """MetadataParam: no named keys, scalar values. Its values stay the strings that were sent."""
    rest = node.get("additionalProperties")
    return not node.get("properties") and isinstance(rest, dict) and "anyOf" in rest


def _free_text(item: Any, path: str) -> str:
    if not isinstance(item, str):
        raise InvalidRequest("Metadata values must be strings.", param=path)
    return item


def _converted(kinds: list[str], raw: str, path: str) -> int | float | bool:
    if "integer" in kinds:
        if not _INTEGER.fullmatch(raw):
            raise InvalidRequest(f"Invalid integer: {raw}", code="parameter_invalid_integer", param=path)
        return int(raw)
    if "number" in kinds:
        return _number(raw, path)
    if "boolean" in kinds:
        if raw not in ("true", "false"):
            raise InvalidRequest(f"Invalid boolean: {raw}", param=path)
        return raw == "true"
    raise InvalidRequest("Invalid array" if "array" in kinds else "Invalid object", param=path)


def _number(raw: str, path: str) -> int | float:
    if not _NUMBER.fullmatch(raw):
        raise InvalidRequest(f"Invalid decimal: {raw}", param=path)
    return float(raw) if "." in raw else int(raw)


def _outside(allowed: list[str], path: str) -> InvalidRequest:
    named = [value for value in allowed if value]
    if len(named) > _MOST_NAMED:
        # Hundreds of event types: nobody reads them, and a log keeps the whole sentence each time (cut: assumed).
        named = [*named[:_MOST_NAMED], f"{len(named) - _MOST_NAMED} more"]
    listed = named[0] if len(named) == 1 else f"one of {', '.join(named[:-1])}, or {named[-1]}"
    return InvalidRequest(f"Invalid {path}: must be {listed}", param=path)


def _empty(path: str) -> InvalidRequest:
    return InvalidRequest(
        f"You passed an empty string for '{path}'. We assume empty values are an attempt to unset a "
        f"parameter; however '{path}' cannot be unset. You should remove '{path}' from your request or "
        "supply a non-empty value.",
        code="parameter_invalid_empty",
        param=path,
    )
