"""Hostile statements that no catalogue suggests, one a line in ``statements/*.sql``.

``{tenant_id}`` is a value of the victim's by its name (:attr:`tests.isolation.loot.Loot.named`), ``{{staff}}`` the
name of a role of the portal.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.isolation.catalogue import Hostile
from tests.isolation.loot import Loot

_FOLDER = Path(__file__).parent / "statements"
_SHOWN = 60


def lines() -> Iterator[tuple[str, str]]:
    """Each statement with the name of its file."""
    for file in sorted(_FOLDER.glob("*.sql")):
        for line in file.read_text().splitlines():
            yield file.stem, line


def statements(loot: Loot, roles: Mapping[str, str]) -> Iterator[Hostile]:
    """All of them, with her values; ``roles``: the portal's roles by their short names."""
    for group, line in lines():
        sql = line
        for name, value in roles.items():
            sql = sql.replace(f"{{{{{name}}}}}", value)
        for name, value in loot.named.items():
            sql = sql.replace(f"{{{name}}}", value)
        yield Hostile(f"{group}: {line[:_SHOWN]}", sql)
