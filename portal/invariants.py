"""What holds for money at any moment (shared bar 2): fourteen queries, none of which may find a row."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

_HEADING = re.compile(r"^-- (?P<name>[a-z ]+): (?P<rule>.+)$", re.MULTILINE)
_SHOWN = 20  # of what breaks one: the first few tell which


def _queries() -> dict[str, str]:
    found = Path(__file__).with_suffix(".sql").read_text()
    headings = list(_HEADING.finditer(found))
    ends = [each.start() for each in headings[1:]] + [len(found)]
    return {each["name"]: found[each.end() : end].strip().rstrip(";") for each, end in zip(headings, ends, strict=True)}


QUERIES: Mapping[str, str] = _queries()


def broken(session: Session) -> dict[str, list[Row[Any]]]:
    """What does not hold, by the rule's name, at most twenty rows each; empty when all is well.

    ``session``: of a role that sees all tenants (:func:`portal.tenancy.reader_session`).
    """
    found = {
        name: list(session.execute(text(f"SELECT * FROM ({query}) AS broken LIMIT {_SHOWN}")))  # noqa: S608  (ours)
        for name, query in QUERIES.items()
    }
    return {name: rows for name, rows in found.items() if rows}
