"""The invoices of a list as a file of comma-separated values, a line for each."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from portal import tenancy
from portal.csv_cells import harmless, line
from portal.extensions import db
from portal.invoicing.filters import Filters, conditions
from portal.models import Invoice
from portal.money import to_decimal

COLUMNS = (
    "number", "status", "issued_utc", "due_utc", "paid_utc", "period_start_utc", "period_end_utc", "currency",
    "subtotal", "discount", "tax", "total", "paid", "credited", "open", "payment_state",
)  # fmt: skip
ROWS_AT_ONCE = 500
_INVOICES = Invoice.__table__.c
_AMOUNTS = (
    "subtotal_minor", "discount_minor", "tax_minor", "total_minor", "amount_paid_minor", "credited_minor",
    "amount_remaining_minor",
)  # fmt: skip
_TIMES = ("issued_at", "due_at", "paid_at", "period_start", "period_end")


def lines(filters: Filters) -> Iterator[str]:
    """The file, newest first, read while it is sent: times in UTC, amounts as exact decimals of the currency.

    The rows are read on a session of their own: that of the request has ended when they are sent.
    """
    wanted = select(
        *(_INVOICES[name] for name in ("number", "status", "currency", "payment_state", *_AMOUNTS, *_TIMES))
    )
    wanted = wanted.where(_INVOICES.status != "draft", *conditions(filters))
    wanted = wanted.order_by(_INVOICES.created_at.desc(), _INVOICES.id.desc())
    session = Session(db.engine, info={"binding": tenancy.current()})
    return _lines(session, wanted.execution_options(yield_per=ROWS_AT_ONCE))


def _lines(session: Session, wanted: Any) -> Iterator[str]:
    yield line(COLUMNS)
    with session:
        for row in session.execute(wanted):
            yield line(_cells(row))


def _cells(row: Row[Any]) -> list[object]:
    times = [_utc(getattr(row, name)) for name in _TIMES]
    amounts = [to_decimal(getattr(row, name), row.currency) for name in _AMOUNTS]
    return [harmless(row.number or ""), row.status, *times, row.currency, *amounts, row.payment_state]


def _utc(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else ""
