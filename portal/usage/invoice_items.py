"""Charges of usage on an invoice: items of the renewal's draft while it is one, else of an invoice of their own."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast
from uuid import UUID

from sqlalchemy import select

from portal import clock, formats, tax_terms
from portal.extensions import db
from portal.gateway.account import require_money_allowed
from portal.gateway.client import as_dict, gateway, key_is_forgotten, keyed
from portal.gateway.errors import StripeMissing, StripeRefused
from portal.gateway.inbox import want
from portal.gateway.lists import entries
from portal.i18n import DEFAULT_FORMATS, Viewer, gettext, speaking_to
from portal.mirror.usage_periods import CHARGE
from portal.models import Customer, Resource, Subscription, Tenant, UsageCharge, UsagePeriod
from portal.outbox import Retry, Work, finish
from portal.security import audit

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import InvoiceCreateParams, InvoiceItemCreateParams

_INVOICE_MARK = "usage_period"


class _Bill:
    """What is to be billed, read once; nothing of it changes while Stripe is asked."""

    def __init__(self, period_id: UUID) -> None:
        self.charges: Sequence[UsageCharge] = db.session.scalars(
            select(UsageCharge)
            .where(UsageCharge.period_id == period_id, UsageCharge.billed_at.is_(None), UsageCharge.amount_minor != 0)
            .where(UsageCharge.parked_at.is_(None))
            .order_by(UsageCharge.id)  # the first one stays the first, whatever comes: keys are made of it
        ).all()
        wanted = UsagePeriod.id == period_id
        self.period = db.session.scalars(select(UsagePeriod).where(wanted)).one()
        tenant_id = self.period.tenant_id
        self.customer = db.session.get_one(Customer, tenant_id)
        self.tenant = db.session.get_one(Tenant, tenant_id)
        self.subscription = db.session.get_one(Subscription, (tenant_id, self.period.subscription_id))
        self.tax = tax_terms.current()
        self.resources = {row.resource_type: row for row in db.session.scalars(select(Resource))}

    @property
    def key(self) -> str:
        return f"{self.charges[0].id}:{self.charges[0].tries}"


def perform(work: Work) -> None:
    """Outbox work: put what a period cost on an invoice. Payload: ``period_id``.

    Each charge is one item, once. Raises :class:`portal.gateway.errors.PaymentServiceUnavailable` while an effect is
    unknown: it is asked for again with the same keys.
    """
    require_money_allowed()
    bill = _Bill(UUID(str(work.payload["period_id"])))
    db.session.commit()
    if bill.charges:
        invoice = _invoice(bill)
        _choose(bill, invoice["id"])
        try:
            items = [(charge, _item(charge)) for charge in bill.charges]
        except StripeRefused as error:
            _let_go(bill, invoice["id"], error)
        if invoice["metadata"].get(_INVOICE_MARK):
            _finalize(invoice["id"])
        _store(items, invoice["id"])
    finish(work)
    db.session.commit()


def _invoice(bill: _Bill) -> dict[str, Any]:
    """The draft that was chosen before, or is there for what follows the period, or a new one."""
    chosen = bill.charges[0].stripe_invoice_id
    if chosen:
        try:
            return as_dict(gateway().read(lambda s: s.v1.invoices.retrieve(chosen)))
        except StripeMissing as error:
            _let_go(bill, chosen, error)
    if bill.charges[0].invoice_params is not None:  # one may have been made: nobody heard of it
        return _own_invoice(bill)
    subscription_id = bill.subscription.stripe_subscription_id
    if bill.subscription.is_live:
        for draft in _drafts(subscription=subscription_id):
            if draft["billing_reason"] == "subscription_cycle":
                return draft
    return _own_invoice(bill)


def _own_invoice(bill: _Bill) -> dict[str, Any]:
    """The invoice for these charges alone, asked for as it was the first time, until Stripe refuses just that."""
    first = bill.charges[0]
    if key_is_forgotten(first.created_at) and (found := _made_before(bill)):
        return found
    if first.invoice_params is None:
        first.invoice_params = {**_invoice_params(bill)}
        db.session.commit()
    params = cast("InvoiceCreateParams", first.invoice_params)
    try:
        return as_dict(gateway().write(lambda s: s.v1.invoices.create(params, keyed(f"usage.invoice:{bill.key}"))))
    except StripeRefused:  # nothing was made: what is asked next is asked anew
        first.invoice_params, first.tries = None, first.tries + 1
        db.session.commit()
        raise


def _invoice_params(bill: _Bill) -> "InvoiceCreateParams":
    params: InvoiceCreateParams = {
        "customer": str(bill.customer.stripe_customer_id),
        "currency": str(bill.period.currency),
        "collection_method": "charge_automatically",
        "auto_advance": True,
        "pending_invoice_items_behavior": "exclude",
        "metadata": {_INVOICE_MARK: str(bill.period.id)},
    }
    if bill.subscription.is_live:
        params["subscription"] = bill.subscription.stripe_subscription_id
    if bill.tax.rate is not None:
        params["default_tax_rates"] = bill.tax.rate_ids
    if bill.tax.is_automatic:
        params["automatic_tax"] = {"enabled": True}
    if bill.subscription.default_payment_method:
        params["default_payment_method"] = bill.subscription.default_payment_method
    return params


def _made_before(bill: _Bill) -> dict[str, Any] | None:
    drafts, wanted = _drafts(customer=bill.customer.stripe_customer_id), str(bill.period.id)
    return next((draft for draft in drafts if (draft["metadata"] or {}).get(_INVOICE_MARK) == wanted), None)


def _drafts(**whose: Any) -> Iterator[dict[str, Any]]:
    return entries(lambda page: gateway().read(lambda s: s.v1.invoices.list(page)), status="draft", **whose)


def _choose(bill: _Bill, invoice_id: str) -> None:
    """Keep where the items go, and what they say, before they are asked for: asked again, it is for the same ones."""
    for charge in bill.charges:
        if charge.stripe_invoice_id is None:
            charge.stripe_invoice_id, charge.tried_at, charge.item_params = invoice_id, clock.now(), None
            charge.tries += 1
        if charge.item_params is None:
            charge.item_params = {**_item_params(bill, charge)}
    db.session.commit()


def _item(charge: UsageCharge) -> str:
    """Stripe's id of the charge's item."""
    tried_at = charge.tried_at or charge.created_at
    if key_is_forgotten(tried_at) and (found := _put_before(charge, invoice=charge.stripe_invoice_id)):
        return str(found["id"])
    params, key = cast("InvoiceItemCreateParams", charge.item_params), keyed(f"usage.item:{charge.id}:{charge.tries}")
    return str(as_dict(gateway().write(lambda s: s.v1.invoice_items.create(params, key)))["id"])


def _item_params(bill: _Bill, charge: UsageCharge) -> "InvoiceItemCreateParams":
    return {
        "customer": str(bill.customer.stripe_customer_id),
        "invoice": str(charge.stripe_invoice_id),
        "amount": charge.amount_minor,
        "currency": charge.currency,
        "description": _description(bill, charge),
        "period": {"start": int(bill.period.starts_at.timestamp()), "end": int(bill.period.ends_at.timestamp())},
        "metadata": {CHARGE: str(charge.id), _INVOICE_MARK: str(bill.period.id)},
    }


def _put_before(charge: UsageCharge, **where: Any) -> dict[str, Any] | None:
    found = entries(lambda page: gateway().read(lambda s: s.v1.invoice_items.list(page)), **where)
    return next((item for item in found if (item["metadata"] or {}).get(CHARGE) == str(charge.id)), None)


def _description(bill: _Bill, charge: UsageCharge) -> str:
    """In the customer's words and numbers: it stands on Stripe's pages, too."""
    language = bill.tenant.language or "en"
    locale = DEFAULT_FORMATS[language]
    resource = bill.resources[charge.resource_type]
    with speaking_to(Viewer(language, locale, bill.period.timezone)):
        said = gettext(
            "%(resource)s: %(beyond)s beyond the included %(included)s",
            resource=resource.name_in(language),
            beyond=formats.number(charge.beyond.normalize(), locale),
            included=formats.number((charge.included or charge.quantity).normalize(), locale),
        )
    return f"{said} {resource.unit}".strip()


def _finalize(invoice_id: str) -> None:
    """An invoice of its own waits for nothing more. One that is not a draft any more needs none."""
    try:
        key = keyed(f"usage.finalize:{invoice_id}")
        gateway().write(lambda s: s.v1.invoices.finalize_invoice(invoice_id, {"auto_advance": True}, key))
    except StripeRefused:
        if _status(invoice_id) == "draft":
            raise


def _status(invoice_id: str) -> str | None:
    """What Stripe says of an invoice; ``None``: it was a draft, and somebody deleted it there."""
    try:
        return str(as_dict(gateway().read(lambda s: s.v1.invoices.retrieve(invoice_id)))["status"])
    except StripeMissing:
        return None


def _let_go(bill: _Bill, invoice_id: str, refused: StripeRefused) -> NoReturn:
    """Once the draft was finalised or deleted nothing can be put on it: what is not billed goes on another invoice.

    Raises :class:`portal.outbox.Retry` to do so, or what Stripe ``refused`` while the draft is one.
    """
    status = _status(invoice_id)
    if status == "draft":
        raise refused
    where = {"customer": bill.customer.stripe_customer_id} if status is None else {"invoice": invoice_id}
    for charge in bill.charges:
        found = _put_before(charge, **where) if charge.stripe_invoice_id else None
        if found and found["invoice"]:
            _bill(charge, found["id"], found["invoice"])
            continue
        if found:  # items of a draft that was deleted wait for the next invoice, whichever that is
            _take_back(found["id"])
        charge.stripe_invoice_id = charge.item_params = charge.invoice_params = None
    if status is not None:
        want(invoice_id, "invoice")
    db.session.commit()
    raise Retry(0, "the draft was gone before everything was on it")


def _take_back(item_id: str) -> None:
    with suppress(StripeMissing):
        gateway().write(lambda s: s.v1.invoice_items.delete(item_id, None, keyed(f"usage.item.delete:{item_id}")))


def _store(items: Sequence[tuple[UsageCharge, str]], invoice_id: str) -> None:
    for charge, item_id in items:
        _bill(charge, item_id, invoice_id)
    want(invoice_id, "invoice")


def _bill(charge: UsageCharge, item_id: str, invoice_id: str) -> None:
    charge.stripe_invoice_item_id, charge.billed_at = item_id, clock.now()
    after = {"amount_minor": charge.amount_minor, "currency": charge.currency, "invoice": invoice_id}
    audit.record("usage.bill", "usage_charge", str(charge.id), after=after)
