"""What should be live, page by page: what we show as live, and what is live at Stripe."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_

from portal import tenancy
from portal.gateway.client import as_dict, gateway
from portal.models import Checkout, Invoice, MethodSetup, StripeCustomer, Subscription

if TYPE_CHECKING:  # importing them takes half a second
    from stripe.params import InvoiceListParams, SubscriptionListParams

PAGE = 100
ENDED = ("canceled", "incomplete_expired")
UNSETTLED = ("draft", "open")
# What began and ended between two sweeps is on no list of what lives; its subscription names its invoice.
RECENT = timedelta(days=3)


class Listed(NamedTuple):
    """One entry of a list; ``status`` and ``customer_id`` are known of Stripe's lists only."""

    kind: str
    object_id: str
    status: str | None = None
    customer_id: str | None = None


class Page(NamedTuple):
    """Entries, and the place after them; ``None`` at the end of the list."""

    entries: list[Listed]
    after: str | None


@dataclass(frozen=True)
class LiveList:
    """``read(after, began)``: the page after a place, for a sweep that began then."""

    is_ours: bool
    read: Callable[[str | None, datetime], Page]


def _ours(kind: str, model: Any, stripe_id: Any, is_live: ColumnElement[bool], after: str | None, _: datetime) -> Page:
    """Rows of all tenants in the order of their keys; ``after`` is ``<tenant>/<id>``."""
    wanted = select(model.tenant_id, model.id, stripe_id).where(is_live, stripe_id.is_not(None))
    if after is not None:
        wanted = wanted.where(tuple_(model.tenant_id, model.id) > tuple_(*map(UUID, after.split("/"))))
    with tenancy.reader_session() as session:
        rows = session.execute(wanted.order_by(model.tenant_id, model.id).limit(PAGE)).all()
    entries = [Listed(kind, row[2]) for row in rows]
    return Page(entries, f"{rows[-1][0]}/{rows[-1][1]}" if len(rows) == PAGE else None)


def _subscriptions(after: str | None, _began: datetime) -> Page:
    return _subscription_page({"limit": PAGE}, after)


def _ended_subscriptions(after: str | None, began: datetime) -> Page:
    since = int((began - RECENT).timestamp())
    return _subscription_page({"limit": PAGE, "status": "ended", "created": {"gte": since}}, after)


def _subscription_page(params: "SubscriptionListParams", after: str | None) -> Page:
    if after is not None:
        params["starting_after"] = after
    return _page("subscription", as_dict(gateway().read(lambda s: s.v1.subscriptions.list(params))))


def _invoices(status: Literal["draft", "open"], after: str | None, _began: datetime) -> Page:
    params: InvoiceListParams = {"limit": PAGE, "status": status}
    if after is not None:
        params["starting_after"] = after
    return _page("invoice", as_dict(gateway().read(lambda s: s.v1.invoices.list(params))))


def _page(kind: str, listed: dict[str, Any]) -> Page:
    entries = [Listed(kind, found["id"], found["status"], found["customer"]) for found in listed["data"]]
    return Page(entries, entries[-1].object_id if listed["has_more"] else None)


# In this order; the names are kept in the database while a sweep is under way.
LISTS: Mapping[str, LiveList] = {
    "our_checkouts": LiveList(
        True,
        partial(
            _ours,
            "checkout_session",
            Checkout,
            Checkout.stripe_session_id,
            Checkout.state.in_(("preparing", "open", "abandoned")),
        ),
    ),
    "our_method_setups": LiveList(
        True,
        partial(
            _ours,
            "checkout_session",
            MethodSetup,
            MethodSetup.stripe_session_id,
            MethodSetup.state.in_(("preparing", "open", "abandoned")),
        ),
    ),
    "our_subscriptions": LiveList(
        True,
        partial(
            _ours, "subscription", Subscription, Subscription.stripe_subscription_id, Subscription.status.not_in(ENDED)
        ),
    ),
    "our_invoices": LiveList(
        True, partial(_ours, "invoice", Invoice, Invoice.stripe_invoice_id, Invoice.status.in_(UNSETTLED))
    ),
    "subscriptions": LiveList(False, _subscriptions),
    "ended_subscriptions": LiveList(False, _ended_subscriptions),
    "open_invoices": LiveList(False, partial(_invoices, "open")),
    "draft_invoices": LiveList(False, partial(_invoices, "draft")),
}


def known_customers(entries: Sequence[Listed]) -> set[str]:
    """Which of the entries' customers belong to a tenant."""
    ids = {entry.customer_id for entry in entries}
    with tenancy.reader_session() as session:
        return set(session.scalars(select(StripeCustomer.customer_id).where(StripeCustomer.customer_id.in_(ids))))


def shown(entries: Sequence[Listed]) -> set[tuple[str, str]]:
    """Id and status of those of the entries that we have."""
    ids = [entry.object_id for entry in entries]
    found: set[tuple[str, str]] = set()
    with tenancy.reader_session() as session:
        for name, status in (
            (Subscription.stripe_subscription_id, Subscription.status),
            (Invoice.stripe_invoice_id, Invoice.status),
        ):
            found |= {(row[0], row[1]) for row in session.execute(select(name, status).where(name.in_(ids)))}
    return found
