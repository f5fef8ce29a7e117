"""The table of supported calls is that of the routes."""

from sandbox.wire.operations import VERBS
from sandbox.wire.table import table

from .conftest import ROOT


def test_the_table_in_the_documents_is_that_of_the_routes() -> None:
    page = (ROOT / "docs" / "sandbox-calls.md").read_text()
    assert page == table(), "python -m sandbox --calls > docs/sandbox-calls.md"


def test_every_call_is_in_it_once() -> None:
    rows = [line for line in table().splitlines() if line.startswith("| `")]
    assert len(rows) == len(set(rows)) == len(VERBS)
