"""The kinds of sources that there are. A new one is a file with a ``SOURCE`` and a line here."""

from collections.abc import Mapping

from portal.sources import netbox, odoo
from portal.sources.base import Source
from portal.sources.errors import BadKind

KINDS: Mapping[str, Source] = {each.kind: each for each in (netbox.SOURCE, odoo.SOURCE)}


def of_kind(kind: str) -> Source:
    """Raises :class:`portal.sources.errors.BadKind` for one that there is not."""
    try:
        return KINDS[kind]
    except KeyError:
        raise BadKind from None
