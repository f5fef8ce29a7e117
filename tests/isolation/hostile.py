"""Statements of an attacker who runs SQL as one of the portal's roles, and what they got out of it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from uuid import UUID

import psycopg
from psycopg import sql

from portal import config

_TIMEOUT = "-c statement_timeout=5s -c lock_timeout=1s -c timezone=UTC"
_COPY_OUT = re.compile(r"^COPY\b.*\bTO STDOUT", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True)
class Outcome:
    """What the attacker sees: an error's code and words, or rows; ``counts``: rows affected by each statement."""

    sqlstate: str
    counts: tuple[int, ...] = ()
    rows: tuple[str, ...] = ()
    message: str = field(default="")

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join([self.message, *self.rows])


class Attacker:
    """A connection of a role. Each statement gets a transaction of its own, and leaves nothing in the session."""

    def __init__(self, settings: config.Settings, role: config.Role = "web") -> None:
        url = settings.role_url(role).set(drivername="postgresql")
        self._connection = psycopg.connect(
            url.render_as_string(hide_password=False), options=_TIMEOUT, prepare_threshold=None
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def run(self, statement: str, bound: Mapping[str, UUID], *, keep: bool = False) -> Outcome:
        """The outcome of one statement (or several in one string) under a binding; rolled back unless ``keep``."""
        try:
            outcome = self._run(statement, bound)
            if keep and not self._is_over:
                self._connection.commit()
        except psycopg.Error as error:
            said = error.diag
            words = (said.message_primary, said.message_detail, said.message_hint, said.context)
            outcome = Outcome(error.sqlstate or type(error).__name__, message="\n".join(filter(None, words)))
        self._forget()
        return outcome

    @property
    def _is_over(self) -> bool:
        return self._connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE

    def _run(self, statement: str, bound: Mapping[str, UUID]) -> Outcome:
        with self._connection.cursor() as cursor:
            for name, value in bound.items():
                cursor.execute(sql.SQL("SET LOCAL {} = {}").format(sql.Identifier("app", name), str(value)))
            if _COPY_OUT.match(statement):
                with cursor.copy(statement) as copied:
                    found = [str(bytes(data)) for data in copied]
                return Outcome("ok", (len(found),), tuple(found))
            cursor.execute(statement)
            counts, rows = _results(cursor)
            # Deferred foreign keys must speak before the answers are compared.
            if not self._is_over:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            return Outcome("ok", tuple(counts), tuple(rows))

    def _forget(self) -> None:
        self._connection.rollback()
        self._connection.autocommit = True
        self._connection.execute("DISCARD ALL")
        self._connection.autocommit = False


def _results(cursor: psycopg.Cursor[Any]) -> tuple[list[int], list[str]]:
    counts, rows = [], []
    while True:
        counts.append(cursor.rowcount)
        if cursor.description:
            rows += [repr(row) for row in cursor.fetchall()]
        if not cursor.nextset():
            return counts, rows


def literal(value: object) -> str:
    """The value as SQL writes it."""
    if value is None:
        return "NULL"
    written = json.dumps(value) if isinstance(value, dict | list | bool) else str(value)
    return "'" + written.replace("'", "''") + "'"


def shown(outcome: Outcome, marks: Iterable[str], statement: str) -> list[str]:
    """Which marks the attacker reads that were not in the statement."""
    return [mark for mark in marks if mark in outcome.text and mark not in statement]
