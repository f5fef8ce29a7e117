"""Where the portal commits or calls Stripe, read from its source: what the journeys have to pass."""

import ast
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("portal", "blueprints", "jobs")


@dataclass(frozen=True)
class Site:
    """One commit or call; ``point`` is what its failpoints are called, without ``:before`` and ``:after``."""

    point: str
    line: int


def all_sites() -> list[Site]:
    """Every one in the source, in the order of files and lines."""
    files = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return [site for path in files for site in _Sites(path).found()]


def passings() -> Counter[str]:
    """How many sites share a point's name: those of one function."""
    return Counter(site.point for site in all_sites())


class _Sites:
    def __init__(self, path: Path) -> None:
        self._module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        self._tree = ast.parse(path.read_text())

    def found(self) -> Iterator[Site]:
        yield from self._inside(self._tree, [])

    def _inside(self, node: ast.AST, scope: list[str]) -> Iterator[Site]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call) and (kind := _kind(child)):
                yield Site(f"{kind}.{self._module}.{'.'.join(scope)}", child.lineno)
            if isinstance(child, ast.ClassDef | ast.FunctionDef):
                yield from self._inside(child, [*scope, child.name])
            else:
                yield from self._inside(child, scope)


def _kind(call: ast.Call) -> str:
    """What a call is: ``commit`` of anything, or ``gateway().read`` and ``.write``."""
    if not isinstance(call.func, ast.Attribute):
        return ""
    if call.func.attr == "commit":
        return "commit"
    owner = call.func.value
    is_gateway = isinstance(owner, ast.Call) and isinstance(owner.func, ast.Name) and owner.func.id == "gateway"
    return "stripe" if is_gateway and call.func.attr in ("read", "write") else ""
