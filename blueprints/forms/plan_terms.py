"""Staff say what a plan includes of a resource and what more costs: rows of tiers, which need no script."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.numbers import list_currencies
from flask import request
from flask_babel import gettext
from flask_babel import lazy_gettext as _
from wtforms import BooleanField, RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import Length

from blueprints.forms.base import PortalForm
from portal import money
from portal.exact_json import shortest
from portal.pricing.metering import Tier
from portal.usage.plan_terms import MOST_TIERS, Draft

LIMIT_KINDS = {"hard": _("is refused"), "soft": _("is billed")}
MODES = {
    "graduated": _("each tier's units at its own price"),
    "volume": _("all units at the price of the tier that they reach"),
}
SPARE_ROWS = 2
_LONGEST = 40


class Unreadable(ValueError):
    """Something that was entered is no number; the form has said so."""


@dataclass(frozen=True)
class Row:
    """A tier as it is written: amounts in whole units of the currency, empty for none."""

    up_to: str = ""
    unit: str = ""
    flat: str = ""

    @property
    def is_empty(self) -> bool:
        return not (self.up_to or self.unit or self.flat)


class TermsForm(PortalForm):
    """``tables``: rows by currency. ``currency`` adds a table. ``quantities``: what a preview is made of."""

    unlimited = BooleanField(_("Without end"))
    included = StringField(_("Included in a period"), [Length(max=_LONGEST)])
    limit_kind = RadioField(
        _("More than that"), choices=[SelectChoice(*each) for each in LIMIT_KINDS.items()], default="hard"
    )
    tiers_mode = SelectField(_("Tiers price"), choices=[SelectChoice(*each) for each in MODES.items()])
    package_size = StringField(_("Sold in packages of"), [Length(max=_LONGEST)], default="1")
    currency = StringField(_("Prices in another currency"), [Length(max=3)])
    quantities = StringField(_("Quantities to try"), [Length(max=200)])

    def __init__(self, *arguments: Any, tables: Mapping[str, Sequence[Row]] | None = None, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.tables = {code: list(rows) for code, rows in (tables or {}).items()}
        self.faults: list[tuple[str, str]] = []

    @classmethod
    def of(cls, draft: Draft) -> "TermsForm":
        """As the terms are now."""
        entered = {
            "unlimited": draft.included is None,
            "included": "" if draft.included is None else _plain(draft.included),
            "limit_kind": draft.limit_kind,
            "tiers_mode": draft.tiers_mode,
            "package_size": _plain(draft.package_size),
        }
        tables = {code: [_row(tier, code) for tier in tiers] for code, tiers in draft.tiers.items()}
        return cls(formdata=None, data=entered, tables=tables)

    @classmethod
    def sent(cls) -> "TermsForm":
        """As it was sent, with a table for a currency that was added."""
        form = cls(tables=_sent_tables())
        added = (form.currency.data or "").strip()
        if added and added.upper() in list_currencies():
            form.tables.setdefault(added.lower(), [])
            form.currency.data = ""
        elif added:
            form.faults.append(("currency", gettext("Enter a currency's code, such as EUR.")))
        return form

    def spread(self, currency: str) -> None:
        """Give each table, and that of the plan's currency, empty rows to fill in."""
        for rows in (self.tables.setdefault(currency, []), *self.tables.values()):
            while len(rows) < 1 or (len(rows) < MOST_TIERS and sum(row.is_empty for row in rows) < SPARE_ROWS):
                rows.append(Row())

    def problems(self) -> Iterator[tuple[str, str]]:
        """Those of fields, then those of rows."""
        yield from super().problems()
        yield from self.faults

    def read(self) -> tuple[Draft, list[Decimal]]:
        """The terms that were described, and at most ten quantities to try. Raises :class:`Unreadable`."""
        is_valid = self.validate()
        draft = Draft(
            None if self.unlimited.data else self._number("included", self.included.data),
            self.limit_kind.data,
            self.tiers_mode.data,
            self._number("package_size", self.package_size.data),
            {code: tiers for code in self.tables if (tiers := self._tiers(code))},
        )
        parts = (self.quantities.data or "").replace(",", " ").split()[:10]
        quantities = [self._number("quantities", part) for part in parts]
        if not is_valid or self.faults:
            raise Unreadable
        return draft, quantities

    def _tiers(self, code: str) -> list[Tier]:
        filled = [(at, row) for at, row in enumerate(self.tables[code]) if not row.is_empty]
        return [
            Tier(
                self._number(f"tier-{code}-{at}-up_to", row.up_to) if row.up_to else None,
                self._number(f"tier-{code}-{at}-unit", row.unit or "0").scaleb(money.exponent(code)),
                self._minor(f"tier-{code}-{at}-flat", row.flat or "0", code),
            )
            for at, row in filled
        ]

    def _minor(self, name: str, text: str, code: str) -> int:
        try:
            return money.from_decimal(self._number(name, text), code)
        except money.InvalidAmount:
            self.faults.append((name, gettext("This amount has more digits than the currency.")))
            return 0

    def _number(self, name: str, text: str | None) -> Decimal:
        try:
            number = Decimal((text or "").strip())
        except InvalidOperation:
            number = Decimal("NaN")
        if len(text or "") <= _LONGEST and number.is_finite() and abs(number.adjusted()) <= _LONGEST:
            return number
        self.faults.append((name, gettext("Enter a number, with a point for decimals.")))
        return Decimal(0)


def _sent_tables() -> dict[str, list[Row]]:
    """The tables among the fields ``tier-<currency>-<row>-<column>``; a gap in the rows ends a table."""
    codes = dict.fromkeys(name.split("-")[1] for name in request.form if name.count("-") == 3 and name[:5] == "tier-")
    known = [code for code in codes if code.isalpha() and code.islower() and code.upper() in list_currencies()]
    return {code: list(_sent_rows(code)) for code in known}


def _sent_rows(code: str) -> Iterator[Row]:
    for at in range(MOST_TIERS + SPARE_ROWS):
        names = [f"tier-{code}-{at}-{column}" for column in ("up_to", "unit", "flat")]
        if not any(name in request.form for name in names):
            return
        yield Row(*(request.form.get(name, "").strip() for name in names))


def _row(tier: Tier, code: str) -> Row:
    flat = _plain(money.to_decimal(tier.flat_amount, code)) if tier.flat_amount else ""
    unit = _plain(tier.unit_amount.scaleb(-money.exponent(code)))
    return Row("" if tier.up_to is None else _plain(tier.up_to), unit, flat)


def _plain(number: Decimal) -> str:
    return f"{shortest(number):f}"
