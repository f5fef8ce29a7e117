"""The complete, frozen input of an invoice PDF: what is stored as its snapshot and rendered once.

Nothing in here is looked up later. Amounts are whole minor units of ``currency``; days are the calendar
days of ``timezone``; rates and quantities are exact decimals. The JSON form is kept for as long as the
invoice is, so fields are only ever added, with a default.
"""

import datetime as dt
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Self

from portal.invoicing.pdf.snapshots import InvalidDocument, from_json, to_json
from portal.money import InvalidAmount, currency_code

__all__ = [
    "Branding",
    "Discount",
    "InvalidDocument",
    "InvoiceDocument",
    "Kind",
    "Line",
    "Party",
    "Payment",
    "Settlement",
    "Tax",
    "UsageDay",
    "Used",
]

Status = Literal["open", "paid", "issued"]
_COLOUR = re.compile("#[0-9a-f]{6}")
Kind = Literal["invoice", "credit_note", "receipt"]


@dataclass(frozen=True, kw_only=True)
class Party:
    """Issuer or customer as they were when the invoice was issued; empty text is left out of the page.

    ``address`` is what the page shows; its parts (``country``: ISO 3166-1 alpha-2) are what an e-invoice says.
    ``electronic_address`` is where e-invoices go, "scheme:identifier".
    """

    name: str
    address: tuple[str, ...] = ()
    tax_id: str = ""
    email: str = ""
    line1: str = ""
    city: str = ""
    postal_code: str = ""
    country: str = ""
    electronic_address: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row. ``amount_minor`` is before discounts and before exclusive tax, as Stripe's lines are.

    The unit price is ``unit_amount_minor``, or, when it is finer than a minor unit,
    ``unit_amount_decimal`` (minor units with decimals, Stripe's field of that name); or neither.
    ``detail`` is a quieter second sentence: how a proration or a tier was worked out. The period is
    half-open, as at Stripe: it ends on the day that the next one starts.
    """

    description: str
    amount_minor: int
    quantity: Decimal | None = None
    unit_amount_minor: int | None = None
    unit_amount_decimal: Decimal | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    discount_minor: int = 0
    tax_rates: tuple[Decimal, ...] = ()
    detail: str = ""
    inclusive_tax_minor: int = 0

    @property
    def unit_price(self) -> Decimal | None:
        """The price of one unit in minor units, as fine as it is known."""
        if self.unit_amount_decimal is not None:
            return self.unit_amount_decimal
        return None if self.unit_amount_minor is None else Decimal(self.unit_amount_minor)


@dataclass(frozen=True, kw_only=True)
class Discount:
    """What a coupon took off the whole invoice; ``amount_minor`` is positive."""

    name: str
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Tax:
    """One row of the tax summary. ``rate`` is a percentage (21, 8.875); inclusive tax is in the prices."""

    name: str
    rate: Decimal
    amount_minor: int
    taxable_minor: int | None = None
    inclusive: bool = False


@dataclass(frozen=True, kw_only=True)
class Payment:
    """Money received. ``method`` is said as people know it: "Visa •••• 4242"."""

    paid_on: dt.date
    method: str
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """A way in which the total of a credit note is given back; ``amount_minor`` is positive."""

    way: Literal["lowered", "refunded", "balance", "out_of_band"]
    amount_minor: int


@dataclass(frozen=True, kw_only=True)
class UsageDay:
    """What was used on a day."""

    day: dt.date
    quantity: Decimal


@dataclass(frozen=True, kw_only=True)
class Used:
    """A resource that a line charges for: what was used, what of it the plan includes, and each day's share."""

    name: str
    quantity: Decimal
    beyond: Decimal
    included: Decimal | None = None
    days: tuple[UsageDay, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Branding:
    """What the issuer looks like. ``logo`` is a PNG or JPEG in base64, ``accent`` a colour as "#24479b" or nothing."""

    logo: str = ""
    accent: str = ""


@dataclass(frozen=True, kw_only=True)
class InvoiceDocument:
    """Everything that an invoice, a credit note or a receipt says. Raises InvalidDocument for what cannot be rendered.

    A credit note is "issued", and its amounts are positive; ``about`` is the number of the invoice that it or a receipt
    belongs to. ``e_invoice`` is the XML that goes into the file, ``e_invoice_missing`` what it lacks instead (see
    :mod:`portal.invoicing.einvoices`). ``document_id`` makes the file's identifier, so the same document always gives
    the same bytes.
    ``amount_due_minor`` is what is still to be paid (Stripe's ``amount_remaining``). Balances follow
    Stripe: negative is the customer's credit. ``portal_url`` is where the invoice is seen and paid.
    """

    document_id: str
    number: str
    status: Status
    issuer: Party
    customer: Party
    currency: str
    lines: tuple[Line, ...]
    subtotal_minor: int
    total_minor: int
    amount_paid_minor: int
    amount_due_minor: int
    issued_on: dt.date
    due_on: dt.date | None = None
    paid_on: dt.date | None = None
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    discounts: tuple[Discount, ...] = ()
    taxes: tuple[Tax, ...] = ()
    payments: tuple[Payment, ...] = ()
    starting_balance_minor: int = 0
    ending_balance_minor: int = 0
    language: str = "en"
    format_locale: str = "en_US"
    timezone: str = "UTC"
    purchase_order: str = ""
    notes: str = ""
    footer: str = ""
    portal_url: str = ""
    kind: Kind = "invoice"
    about: str = ""
    settlements: tuple[Settlement, ...] = ()
    legal: str = ""
    branding: Branding = Branding()
    reverse_charge: bool = False
    exemption: str = ""
    usage: tuple[Used, ...] = ()
    e_invoice: str = ""
    e_invoice_missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "currency", currency_code(self.currency))
        except InvalidAmount as error:
            raise InvalidDocument(str(error)) from error
        if self.status not in ("open", "paid", "issued"):
            raise InvalidDocument(f"an issued document is open, paid or issued, not {self.status!r}")
        if self.branding.accent and not _COLOUR.fullmatch(self.branding.accent):
            raise InvalidDocument("the accent must be a colour like #24479b")
        if self.portal_url and not self.portal_url.startswith(("https://", "http://")):
            raise InvalidDocument("the portal's address must be an http(s) address")

    @property
    def balance_applied_minor(self) -> int:
        """What the customer balance changed of the amount due: negative when credit was used."""
        return self.starting_balance_minor - self.ending_balance_minor

    @property
    def exclusive_tax_minor(self) -> int:
        """Tax that is added to the prices."""
        return sum(tax.amount_minor for tax in self.taxes if not tax.inclusive)

    def to_json(self) -> dict[str, Any]:
        """Return the snapshot as JSON values: days as ISO text, decimals as text, amounts as integers."""
        values: dict[str, Any] = to_json(self)
        return values

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Return the document of a snapshot. Raises InvalidDocument naming the field that is wrong."""
        return from_json(cls, values)
