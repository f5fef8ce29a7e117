"""Who is invoiced: the tenant's address, tax id, purchase order and addresses; how its invoices read."""

from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any
from zoneinfo import available_timezones

from sqlalchemy import func, select

from portal import clock, countries, formats, tax_ids, tax_terms, tenancy
from portal.billing import customer_details, leased
from portal.billing.subscriptions import live_subscription
from portal.billing.tax_exemptions import look_at_subscription
from portal.config import LANGUAGES
from portal.errors import Invalid
from portal.extensions import db
from portal.gateway.errors import PaymentServiceUnavailable
from portal.invoicing.branding import ELECTRONIC_ADDRESS
from portal.models import BillingDetails, Customer, Invoice, Tenant
from portal.pricing.taxation import Outcome
from portal.security import audit
from portal.security.people import normal_email

LONGEST, MOST_COPIES = 200, 5
_TENANTS = ("language", "format_locale", "timezone")


class BadDetails(Invalid):
    """``field`` names what is wrong."""

    code = "bad_billing_details"
    message = "Please shorten this, and remove characters that cannot be shown."
    field = "legal_name"

    def __init__(self, field: str = "") -> None:
        super().__init__()
        self.field = field or self.field


class NameMissing(BadDetails):
    code = "legal_name_missing"
    message = "Enter the name that invoices are to bear."


class BadCountry(BadDetails):
    code = "bad_country"
    message = "Choose one of the offered countries."
    field = "country"


class BadEmail(BadDetails):
    code = "bad_billing_email"
    message = "This is no e-mail address."
    field = "email"


class BadCopies(BadDetails):
    code = "bad_copies"
    message = "Enter at most five e-mail addresses, one per line."
    field = "copies"


class BadElectronicAddress(BadDetails):
    code = "bad_electronic_address"
    message = "An electronic address is a scheme of four digits, a colon and an identifier, such as 0088:4012345000009."
    field = "electronic_address"


class BadReading(BadDetails):
    code = "bad_reading"
    message = "Choose one of the offered values."
    field = "language"


@dataclass(frozen=True, kw_only=True)
class Details:
    """What a tenant enters. ``country``: ISO 3166-1 alpha-2 or ""; ``copies``: further addresses for billing mail.

    ``language`` is of texts, ``format_locale`` of numbers and dates, ``timezone`` an IANA name.
    """

    legal_name: str = ""
    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    tax_id: str = ""
    purchase_order: str = ""
    electronic_address: str = ""
    email: str = ""
    copies: tuple[str, ...] = ()
    language: str = "en"
    format_locale: str = "en_US"
    timezone: str = "UTC"


@dataclass(frozen=True)
class Effect:
    """What a change touches and what it does not: said before it is saved.

    ``issued``: documents that stay as they are, ``unpaid`` of them. ``next_invoice_at``: the first that says the new;
    ``None`` without a running subscription.
    """

    issued: int
    unpaid: int
    next_invoice_at: datetime | None


def current() -> Details:
    """The bound tenant's details."""
    tenant = db.session.get_one(Tenant, tenancy.require_tenant())
    row = db.session.get(BillingDetails, tenant.id)
    reading = {name: getattr(tenant, name) for name in _TENANTS}
    if row is None:
        return Details(legal_name=tenant.name, email=tenant.email, **reading)
    own = {field.name: getattr(row, field.name) for field in fields(Details) if field.name not in reading}
    return Details(**{**own, "copies": tuple(row.copies)}, **reading)


def tax_id_kind() -> str:
    """Stripe's name of the bound tenant's tax id, whose digits were checked; "" without one."""
    row = db.session.get(BillingDetails, tenancy.require_tenant())
    return "" if row is None else row.tax_id_kind


def effect() -> Effect:
    """What a change would touch now."""
    counted = select(func.count(), func.count().filter(Invoice.status == "open")).select_from(Invoice)
    issued, unpaid = db.session.execute(counted).one()
    live = live_subscription()
    return Effect(issued, unpaid, None if live is None else live.current_period_end)


def tax_of(country: str, tax_id: str) -> Outcome:
    """Which tax the bound tenant would pay with these. Raises :class:`portal.tax_ids.BadTaxId`."""
    return tax_terms.would_be(country, tax_ids.checked(country, tax_id).kind)


def change(wanted: Details) -> Details:
    """Save the bound tenant's details; returns them as they are kept. Commits, and tells Stripe.

    They hold for what is issued from now on, the time zone from the next period of usage on. When Stripe does not
    answer a worker tells it later. Raises :class:`BadDetails` or :class:`portal.tax_ids.BadTaxId`; both name the field.
    """
    kept, kind = _checked(wanted)
    tenant_id = tenancy.require_tenant()
    row = _locked(tenant_id)
    before = current()
    moved = [name for name, value in asdict(kept).items() if value != getattr(before, name)]
    if not moved:
        db.session.rollback()
        return kept
    _write(row, kept, kind)
    audit.record(
        "billing_details.change", "tenant", str(tenant_id), after={"changed": sorted(moved), "version": row.version}
    )
    customer = db.session.get(Customer, tenant_id)
    work = None
    if customer is not None and customer.stripe_customer_id:
        work = customer_details.owe(customer.stripe_customer_id)
        look_at_subscription()
    db.session.commit()
    if work is not None:
        with suppress(PaymentServiceUnavailable):
            leased.do_now(work, customer_details.describe)
    return kept


def _locked(tenant_id: Any) -> BillingDetails:
    row = db.session.get(BillingDetails, tenant_id, with_for_update=True, populate_existing=True)
    if row is None:
        row = BillingDetails(tenant_id=tenant_id, version=0, copies=[])
        db.session.add(row)
    return row


def _write(row: BillingDetails, kept: Details, kind: str) -> None:
    tenant = db.session.get_one(Tenant, row.tenant_id)
    for name, value in asdict(kept).items():
        setattr(tenant if name in _TENANTS else row, name, list(value) if name == "copies" else value)
    row.tax_id_kind, row.version, row.updated_at = kind, row.version + 1, clock.now()
    db.session.flush()


def _checked(wanted: Details) -> tuple[Details, str]:
    """The details as they are kept, and the tax id's kind. Raises :class:`BadDetails`."""
    trimmed = {name: value.strip() for name, value in asdict(wanted).items() if isinstance(value, str)}
    for name, value in trimmed.items():
        if len(value) > LONGEST or not value.isprintable():
            raise BadDetails(name)
    if not trimmed["legal_name"]:
        raise NameMissing
    if trimmed["country"] and not countries.is_country(trimmed["country"]):
        raise BadCountry
    if trimmed["electronic_address"] and not ELECTRONIC_ADDRESS.fullmatch(trimmed["electronic_address"]):
        raise BadElectronicAddress
    _check_reading(trimmed)
    tax_id = tax_ids.checked(trimmed["country"], trimmed["tax_id"])
    email = _address(trimmed["email"], BadEmail)
    copies = dict.fromkeys(_address(entry, BadCopies) for entry in wanted.copies if entry.strip())
    copies.pop(email, None)
    if len(copies) > MOST_COPIES:
        raise BadCopies
    kept = Details(**trimmed, copies=tuple(copies))
    return replace(kept, tax_id=tax_id.value, email=email), tax_id.kind


def _check_reading(trimmed: dict[str, str]) -> None:
    """Raises :class:`BadReading`."""
    known = {
        "language": trimmed["language"] in LANGUAGES,
        "format_locale": formats.known_locale(trimmed["format_locale"]) == trimmed["format_locale"],
        "timezone": trimmed["timezone"] in available_timezones(),
    }
    for name, is_known in known.items():
        if not is_known:
            raise BadReading(name)


def _address(entered: str, refusal: type[BadDetails]) -> str:
    try:
        return normal_email(entered)
    except Invalid as error:
        raise refusal from error
