"""How long a file and a function may be: what does not fit on a screen is not read."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("portal", "blueprints", "jobs", "sandbox")
FILE_LINES = 400
FUNCTION_LINES = 40


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_nothing_is_too_long() -> None:
    too_long = {}
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    for path in paths:
        source = path.read_text()
        if (count := len(source.splitlines())) > FILE_LINES:
            too_long[str(path.relative_to(ROOT))] = count
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _lines(node) > FUNCTION_LINES:
                too_long[f"{path.relative_to(ROOT)}: {node.name}"] = _lines(node)
    assert len(paths) > 100
    assert too_long == {}
