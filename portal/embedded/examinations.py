"""What the doctor asks a running portal, beside what the portal says of itself."""

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from portal.embedded.places import Places

HEARTBEAT_SECONDS = 30
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_RESTART = "Stop the portal with Ctrl-C and start ./run again; the reason is in var/log/."

REMEDIES = {
    "database": "Is DATABASE_URL right and that server up? With the portal's own: start ./run again.",
    "redis": "Is REDIS_URL right and that server up? With the portal's own: start ./run again.",
    "worker": "Look into var/log/worker.log.",
    "ticker": "Look into var/log/ticker.log.",
    "stripe": "Check STRIPE_API_KEY and the network; with the sandbox: look into var/log/sandbox.log.",
    "smtp": "Check SMTP_HOST, SMTP_PORT and the login; with the sandbox: look into var/log/sandbox.log.",
    "pdf": "Start ./run again, it prepares what PDFs need; or look into var/log/install.log.",
}


class Fault(Exception):
    """A part is not well; the message says in what way."""


def of_running(places: Places, variables: Mapping[str, str]) -> Iterator[tuple[str, Callable[[], str], str]]:
    """What to look at, how, and what to do when that raises Fault."""
    yield "Web", lambda: _web(variables), _RESTART
    yield "Migrations", lambda: _migrations(places.root, variables), "Run `./run flask setup`."
    for kind in ("worker", "ticker"):
        yield kind.capitalize(), lambda kind=kind: _heartbeat(kind, variables), _RESTART  # type: ignore[misc]


def parse_check(output: str) -> dict[str, tuple[bool, str]]:
    """The answer of `flask check` by part; empty when it gave none."""
    try:
        parts = json.loads(output[output.index("[") :])
        return {part["name"]: (part["ok"], part["detail"] or f"{part['milliseconds']} ms") for part in parts}
    except (ValueError, KeyError, TypeError):
        return {}


def _web(variables: Mapping[str, str]) -> str:
    host, port = variables.get("HOST", "127.0.0.1"), variables.get("PORT", "8000")
    address = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/health"  # noqa: S104 - compared
    try:
        with _DIRECT.open(address, timeout=10) as answer:
            return f"{address} answers {answer.status}"
    except urllib.error.HTTPError as error:
        raise Fault(f"{address} answers {error.code}: {error.read(300).decode(errors='replace')}") from None
    except OSError as error:
        raise Fault(f"{address} does not answer: {error}") from None


def _migrations(root: Path, variables: Mapping[str, str]) -> str:
    from alembic.script import ScriptDirectory

    sys.path.insert(0, str(root / "migrations"))  # the revisions import what they share from there
    newest = set(ScriptDirectory(str(root / "migrations")).get_heads())
    applied = {str(row[0]) for row in _rows("SELECT version_num FROM alembic_version", variables)}
    if newest != applied:
        raise Fault(f"the database is at {', '.join(applied) or 'nothing'}, the code at {', '.join(newest)}")
    return f"at {', '.join(newest)}, the newest"


def _heartbeat(kind: str, variables: Mapping[str, str]) -> str:
    rows = _rows(
        "SELECT extract(epoch FROM now() - max(seen_at))::int FROM heartbeats WHERE kind = %s",
        variables,
        kind,
    )
    seconds = rows[0][0]
    if seconds is None:
        raise Fault("has not been seen yet")
    if int(str(seconds)) > HEARTBEAT_SECONDS:
        raise Fault(f"was last seen {seconds} s ago")
    return f"seen {seconds} s ago"


def _rows(statement: str, variables: Mapping[str, str], *values: str) -> list[tuple[object, ...]]:
    import psycopg

    if "DATABASE_URL" not in variables:
        raise Fault("the portal is still starting, or did not come so far; what it waits for is in var/log/")
    url = variables["DATABASE_URL"].replace("postgresql+psycopg://", "postgresql://")
    try:
        with psycopg.connect(url, connect_timeout=5) as connection:
            return connection.execute(statement.encode(), values).fetchall()
    except psycopg.Error as error:
        raise Fault(f"the database says: {str(error).splitlines()[0]}") from None
