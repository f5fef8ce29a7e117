"""The pinned contract: every operation, object and event of API version 2026-10-28.endive.

`load()` reads the packed schema once (0.05 s). Requests go through `coerce.py` (strings become the
types the schema names), answers through the compiled checks of `checks.py`. Source and licence:
LICENSE-stripe.md beside the schema file.
"""

import json
import lzma
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from .checks import Check, Compiler
from .supplement import OPERATIONS

API_VERSION = "2026-10-28.endive"
_SCHEMA_FILE = f"stripe-billing-{API_VERSION}.schema.json.xz"

# The derived file has no page token of v2 lists, and takes their times for numbers.
_EVENT_LIST_PARAMS = {
    "page": {"type": "string"},
    "created": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("gt", "gte", "lt", "lte")},
        "additionalProperties": False,
    },
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One API call: `kind` is object, list or search; `params` and `response` are schema nodes.

    `segments` are the parts of its path; those in braces stand for ids.
    """

    id: str
    method: str
    path: str
    kind: str
    params: dict[str, Any]
    response: dict[str, Any]
    segments: tuple[str, ...]

    def ids_in(self, segments: list[str]) -> list[str] | None:
        """The ids in a path of as many segments, or None when it is another path."""
        found = []
        for own, given in zip(self.segments, segments, strict=True):
            if own.startswith("{"):
                found.append(given)
            elif own != given:
                return None
        return found if all(found) else None


class Contract:
    """The loaded schema with its checks, compiled on first use and kept."""

    def __init__(self, document: dict[str, Any]) -> None:
        if document["api_version"] != API_VERSION:
            raise ValueError(f"the schema file is of {document['api_version']}, not {API_VERSION}")
        self.definitions: dict[str, Any] = document["definitions"]
        self.definitions["V2.Core.EventListParams"]["properties"].update(_EVENT_LIST_PARAMS)
        self.events: dict[str, Any] = document["events"]
        self.operations = [_operation(raw) for raw in [*document["operations"], *OPERATIONS]]
        # A literal path must win over /v1/invoices/{id}.
        self.operations.sort(key=lambda operation: operation.path.count("{"))
        self._by_id = {operation.id: operation for operation in self.operations}
        self._by_shape: dict[tuple[str, int], list[Operation]] = {}
        for operation in self.operations:
            self._by_shape.setdefault((operation.method, len(operation.segments)), []).append(operation)
        self._compiler = Compiler(self.definitions)

    def operation(self, operation_id: str) -> Operation:
        """The operation of that id; KeyError when the contract has none."""
        return self._by_id[operation_id]

    def match(self, method: str, path: str) -> tuple[Operation, list[str]] | None:
        """The operation that answers this request and the ids in its path, or None."""
        segments = path.split("/")
        for operation in self._by_shape.get((method, len(segments)), ()):
            if (found := operation.ids_in(segments)) is not None:
                return operation, found
        return None

    def check_object(self, response: dict[str, Any], value: Any) -> str | None:
        """What is wrong with an answer's object, or None."""
        return self._checked(response)(value)

    def check_event(self, event: dict[str, Any]) -> str | None:
        """What is wrong with an event: its envelope first, then `data.object` by the event's type."""
        envelope = self._checked({"$ref": "#/definitions/EventBase"})(event)
        if envelope is not None:
            return envelope
        wrong = self._checked(self.events[event["type"]])(event["data"]["object"])
        return None if wrong is None else f"data.object: {wrong}"

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """The node itself, or the definition its $ref names."""
        reference = node.get("$ref")
        if reference is None:
            return node
        definition: dict[str, Any] = self.definitions[reference.removeprefix("#/definitions/")]
        return definition

    def kind_of(self, response: dict[str, Any]) -> str:
        """The value of `object` in what an operation answers, or lists."""
        named: str = self.resolve(response)["properties"]["object"]["enum"][0]
        return named

    def _checked(self, node: dict[str, Any]) -> Check:
        return self._compiler.compile(node)


def _operation(raw: dict[str, Any]) -> Operation:
    return Operation(
        id=raw["id"],
        method=raw["method"],
        path=raw["path"],
        kind=raw["kind"],
        params=raw.get("params") or {"type": "object", "properties": {}, "additionalProperties": False},
        response=raw["response"] or {},
        segments=tuple(raw["path"].split("/")),
    )


@lru_cache(maxsize=1)
def load() -> Contract:
    """The contract of the pinned version, read once a process."""
    packed = files(__package__).joinpath(_SCHEMA_FILE).read_bytes()
    return Contract(json.loads(lzma.decompress(packed)))
