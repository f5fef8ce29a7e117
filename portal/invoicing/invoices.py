"""The bound tenant's invoices: lists, one invoice."""

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, select, tuple_

from portal import lookups
from portal.errors import Invalid
from portal.extensions import db
from portal.invoicing.filters import EVERYTHING, Filters, conditions
from portal.models import Invoice

PAGE_SIZE = 50
MAX_LIMIT = 100
MAX_CURSOR = 200  # ours have some 120 characters
# Of the table, not of the mapped class: rows are listed, no objects are loaded.
_INVOICES = Invoice.__table__.c
_LISTED = tuple(
    _INVOICES[name]
    for name in (
        "id",
        "number",
        "status",
        "currency",
        "total_minor",
        "amount_remaining_minor",
        "issued_at",
        "due_at",
        "document_state",
        "created_at",
    )
)

# Made once: SQLAlchemy takes as long to put it together as to run it.
_NEWEST = (
    select(*_LISTED)
    .where(_INVOICES.status != "draft")
    .order_by(_INVOICES.created_at.desc(), _INVOICES.id.desc())
    .limit(bindparam("rows", PAGE_SIZE + 1))
)


class BadCursor(Invalid):
    code = "bad_cursor"
    message = "This list has moved on."
    remedy = "Go back to the first page."


@dataclass(frozen=True)
class Page:
    """A page of rows, newest first, and the opaque cursor of the next (``None`` at the end)."""

    rows: Sequence[Row[*tuple[Any, ...]]]
    next_cursor: str | None


def page(after: str | None = None, limit: int = PAGE_SIZE, *, filters: Filters = EVERYTHING) -> Page:
    """Issued invoices that ``filters`` let through, newest first, by keyset: the cost does not grow with the depth.

    Raises :class:`BadCursor` for a cursor that we did not make.
    """
    limit = max(1, min(limit, MAX_LIMIT))
    rows = db.session.execute(listing(after, filters), {"rows": limit + 1}).all()
    more = len(rows) > limit
    rows = rows[:limit]
    return Page(rows, cursor(rows[-1].created_at, rows[-1].id) if more else None)


def listing(after: str | None, filters: Filters = EVERYTHING) -> Select[*tuple[Any, ...]]:
    """The query of a page, of PAGE_SIZE and one more unless ``rows`` says otherwise. Raises :class:`BadCursor`."""
    wanted = _NEWEST.where(*conditions(filters)) if filters.is_set else _NEWEST
    return wanted.where(tuple_(_INVOICES.created_at, _INVOICES.id) < tuple_(*_decode(after))) if after else wanted


def get(invoice_id: UUID) -> Invoice:
    """One invoice with lines and payments. Raises :class:`portal.errors.NotFound`."""
    return lookups.one(select(Invoice).where(Invoice.id == invoice_id, Invoice.status != "draft"))


def cursor(created_at: datetime, invoice_id: UUID) -> str:
    """What stands for "after this invoice" in addresses."""
    return base64.urlsafe_b64encode(json.dumps([created_at.isoformat(), str(invoice_id)]).encode()).decode()


def _decode(text: str) -> tuple[datetime, UUID]:
    if len(text) > MAX_CURSOR:
        raise BadCursor
    try:
        created_at, invoice_id = json.loads(base64.urlsafe_b64decode(text))
        return datetime.fromisoformat(created_at), UUID(invoice_id)
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise BadCursor from error
