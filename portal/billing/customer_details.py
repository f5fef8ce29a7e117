"""What Stripe knows of a tenant: name, address, language and tax id, for its own pages and for Stripe Tax."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from portal import tenancy
from portal.billing import leased
from portal.extensions import db
from portal.gateway.client import gateway, keyed
from portal.gateway.errors import StripeMissing, StripeRefused
from portal.gateway.lists import entries
from portal.models import BillingDetails, Customer, Tenant
from portal.outbox import Retry, Work, finish, stage_leased

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import CustomerCreateTaxIdParams, CustomerUpdateParams

log = logging.getLogger("portal.customers")

_ADDRESS = ("line1", "line2", "city", "state", "postal_code", "country")


def owe(customer_id: str) -> Work:
    """Owe Stripe the bound tenant's details as they are in the current transaction; for this request to do."""
    tenant_id = tenancy.require_tenant()
    key = f"customer.describe:{customer_id}:{_version(tenant_id)}"
    return stage_leased("customer.describe", key, tenant_id=tenant_id, payload={}, seconds=leased.SECONDS)


def describe(work: Work) -> None:
    """Outbox work: tell Stripe who the customer is, as of now. Payload: nothing.

    What Stripe refuses (an address, a tax id) must not keep anybody from buying. Raises
    :class:`portal.gateway.errors.PaymentServiceUnavailable`, after which it is done again, and
    :class:`portal.outbox.Retry` when the details were changed meanwhile: of two tellings that overlap, the older
    could be the one that stays.
    """
    told = _told()
    db.session.commit()
    try:
        _tell(work, told)
        _tell_tax_id(work, told)
    except StripeRefused as error:
        log.warning("stripe refused the details of a customer: %s", error)
    if _version(told.tenant_id) != told.version:
        raise Retry(0, "the details were changed meanwhile")
    finish(work)
    db.session.commit()


@dataclass(frozen=True)
class _Told:
    tenant_id: UUID
    customer_id: str
    version: int
    params: Mapping[str, Any]
    tax_id: tuple[str, str]  # kind and value; an unknown kind is not told


def _told() -> _Told:
    tenant = db.session.get_one(Tenant, tenancy.require_tenant())
    customer_id = str(db.session.get_one(Customer, tenant.id).stripe_customer_id)
    details = db.session.get(BillingDetails, tenant.id)
    params: dict[str, Any] = {
        "name": (details.legal_name if details else "") or tenant.name,
        "email": (details.email if details else "") or tenant.email,
        "preferred_locales": [tenant.language.replace("_", "-")],
    }
    if details is None:
        return _Told(tenant.id, customer_id, 0, params, ("", ""))
    if details.country:  # Stripe Tax goes by it; without one Stripe refuses the rest
        # Replaced as a whole; Stripe takes no empty part.
        address = {name: getattr(details, name) for name in _ADDRESS}
        params["address"] = {name: value for name, value in address.items() if value}
    return _Told(tenant.id, customer_id, details.version, params, (details.tax_id_kind, details.tax_id))


def _tell(work: Work, told: _Told) -> None:
    params = cast("CustomerUpdateParams", dict(told.params))
    gateway().write(lambda s: s.v1.customers.update(told.customer_id, params, keyed(_key(work, told))))


def _tell_tax_id(work: Work, told: _Told) -> None:
    """Exactly the one that is entered, at Stripe."""
    kind, value = told.tax_id
    there = list(entries(lambda page: gateway().read(lambda s: s.v1.customers.tax_ids.list(told.customer_id, page))))
    stays = [entry for entry in there if kind and entry["type"] == kind and _plain(entry["value"]) == _plain(value)]
    for entry in there:
        if entry not in stays[:1]:
            _forget(told.customer_id, entry["id"])
    if kind and not stays:
        params = cast("CustomerCreateTaxIdParams", {"type": kind, "value": value})
        key = keyed(f"{_key(work, told)}:tax_id")
        gateway().write(lambda s: s.v1.customers.tax_ids.create(told.customer_id, params, key))


def _forget(customer_id: str, tax_id: str) -> None:
    try:
        gateway().write(lambda s: s.v1.customers.tax_ids.delete(customer_id, tax_id))
    except StripeMissing:
        log.info("the tax id was gone already")


def _plain(value: str) -> str:
    return "".join(sign for sign in value if sign.isalnum()).upper()


def _key(work: Work, told: _Told) -> str:
    """Of each try: all of it is said again, and what an earlier one said may have been overtaken."""
    return f"{work.key}:{told.version}:{work.attempts}"


def _version(tenant_id: UUID) -> int:
    """Which change of the details is the newest; read from the database, whatever this session has seen."""
    found = db.session.get(BillingDetails, tenant_id, populate_existing=True)
    return 0 if found is None else found.version
