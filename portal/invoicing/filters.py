"""Which invoices a list shows: by status, day of issue, number and amount. Days are the tenant's."""

from dataclasses import astuple, dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, case

from portal import tenancy
from portal.extensions import db
from portal.models import Invoice, Tenant
from portal.money import THREE_DECIMAL, ZERO_DECIMAL

STATUSES = ("open", "overdue", "paid", "uncollectible", "void")
LONGEST_NUMBER = 60
_INVOICES = Invoice.__table__.c


@dataclass(frozen=True)
class Filters:
    """What is asked for; ``None`` and "" let everything through.

    ``number``: any part of it. ``issued_from`` and ``issued_to`` are days, both included. ``least`` and ``most``: the
    total in whole units of the invoice's currency, both included.
    """

    status: str = ""
    number: str = ""
    issued_from: date | None = None
    issued_to: date | None = None
    least: Decimal | None = None
    most: Decimal | None = None

    @property
    def is_set(self) -> bool:
        """Whether anything is left out."""
        return any(each not in ("", None) for each in astuple(self))

    def arguments(self) -> dict[str, str]:
        """The same in an address."""
        named = {
            "status": self.status,
            "number": self.number,
            "from": self.issued_from,
            "to": self.issued_to,
            "min": self.least,
            "max": self.most,
        }
        return {name: str(value) for name, value in named.items() if value not in ("", None)}


EVERYTHING = Filters()


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What the bound tenant's rows have to fulfil."""
    found: list[ColumnElement[bool]] = []
    if filters.status == "overdue":
        found += [
            _INVOICES.status == "open",
            _INVOICES.overdue_since.is_not(None),
            _INVOICES.amount_remaining_minor > 0,
        ]
    elif filters.status:
        found.append(_INVOICES.status == filters.status)
    if filters.number:
        found.append(_INVOICES.number.icontains(filters.number, autoescape=True))
    if filters.issued_from:
        found.append(_INVOICES.issued_at >= _midnight(filters.issued_from))
    if filters.issued_to:
        found.append(_INVOICES.issued_at < _midnight(filters.issued_to + timedelta(days=1)))
    if filters.least is not None:
        found.append(_units() >= filters.least)
    if filters.most is not None:
        found.append(_units() <= filters.most)
    return found


def _midnight(day: date) -> datetime:
    zone = db.session.get_one(Tenant, tenancy.require_tenant()).timezone
    return datetime.combine(day, time(), ZoneInfo(zone))


def _units() -> ColumnElement[Any]:
    """The total in whole units: minor units mean another thing in each currency."""
    digits = case(
        (_INVOICES.currency.in_(sorted(ZERO_DECIMAL)), Decimal(1)),
        (_INVOICES.currency.in_(sorted(THREE_DECIMAL)), Decimal(1000)),
        else_=Decimal(100),
    )
    return _INVOICES.total_minor / digits
