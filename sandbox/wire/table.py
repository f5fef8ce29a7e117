"""The table of the calls that the sandbox answers, made from its routes: `python -m sandbox --calls`."""

from itertools import groupby

from ..contract import API_VERSION, Operation, load
from .operations import VERBS

_HEAD = f"""# Calls of the sandbox

The {len(VERBS)} calls that [the sandbox](sandbox.md) answers, in API version `{API_VERSION}`. Another call of
Stripe, and a parameter that would have to be ignored, is refused with `sandbox_not_modelled`.

This page is made from the routes: `python -m sandbox --calls > docs/sandbox-calls.md`.
"""


def table() -> str:
    """Every supported call by its resource, as a page of Markdown."""
    contract = load()
    operations = sorted((contract.operation(name) for name in VERBS), key=_order)
    parts = [_HEAD]
    for resource, calls in groupby(operations, key=_resource):
        rows = [f"| `{each.method} {each.path}` | {each.id.rpartition('.')[2]} |" for each in calls]
        parts.append("\n".join([f"## {resource}", "", "| Call | |", "|---|---|", *rows, ""]))
    return "\n".join(parts)


def _resource(operation: Operation) -> str:
    return operation.id.rpartition(".")[0].replace(".", " › ")


def _order(operation: Operation) -> tuple[str, str, str]:
    return _resource(operation), operation.path, operation.method
