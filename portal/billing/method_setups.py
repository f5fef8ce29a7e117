"""Adding a payment method: off to Stripe's page, and what the page that people come back to says."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from portal import business_time, clock, lookups, steps, tenancy
from portal.billing import customers, leased, method_sessions
from portal.billing.subscriptions import live_subscription
from portal.extensions import db
from portal.gateway.client import key_is_forgotten
from portal.gateway.inbox import want
from portal.ids import uuid7
from portal.mirror.customers import locked
from portal.models import MethodSetup, PaymentMethod
from portal.outbox import Work, stage, stage_leased
from portal.security import audit

Step = Literal["waiting", "saving", "saved", "failed", "expired"]


@dataclass(frozen=True)
class Progress:
    """Where a setup stands, from our own records only. ``method`` is there once it is saved."""

    step: Step
    method: PaymentMethod | None = None

    @property
    def is_final(self) -> bool:
        """Whether waiting changes nothing any more."""
        return self.step in ("saved", "failed", "expired")


def start(*, actor: UUID, language: str) -> MethodSetup:
    """Begin to add a payment method to the bound tenant; returns the setup with the ``url`` to send the browser to.

    A second call returns the setup that is under way; while another request is still opening it, ``url`` is ``None``.
    Raises :class:`portal.billing.leased.StillWorking`, :class:`portal.gateway.errors.StripeFailure`.
    """
    customers.ensure_row()
    locked()
    if (under_way := _under_way()) is not None:
        if not _is_stale(under_way):
            if under_way.stripe_session_id:  # it may have ended at Stripe without telling us
                want(under_way.stripe_session_id, "checkout_session")
            db.session.commit()
            return under_way
        _leave(under_way)
    setup, work = _begin(actor, language)
    db.session.commit()
    leased.do_now(work, method_sessions.open_session)
    return setup


def get(setup_id: UUID) -> MethodSetup:
    """The bound tenant's setup. Raises :class:`portal.errors.NotFound`."""
    return lookups.owned(MethodSetup, setup_id)


def progress(setup: MethodSetup) -> Progress:
    """Where the setup stands now; reads only our own rows."""
    if setup.state in ("failed", "expired"):
        return Progress(setup.state)  # type: ignore[arg-type]  # the two literals just tested
    if setup.state != "complete":
        return Progress("expired" if _is_stale(setup) else "waiting")
    method = db.session.scalars(
        select(PaymentMethod).where(PaymentMethod.stripe_payment_method_id == setup.stripe_payment_method_id)
    ).first()
    return Progress("saving") if method is None else Progress("saved", method)


def refresh(setup: MethodSetup) -> None:
    """Have the session read again: the redirect may have beaten the webhook."""
    if setup.stripe_session_id and (not progress(setup).is_final or setup.state == "open"):
        want(setup.stripe_session_id, "checkout_session")
        db.session.commit()


def abandon(setup_id: UUID) -> MethodSetup:
    """The customer came back without saving anything: end the setup, here and at Stripe.

    One that was completed in the meantime stays what it is. Raises :class:`portal.errors.NotFound`.
    """
    setup = get(setup_id)  # first: a tenant that never began one has no row to lock
    locked()
    db.session.refresh(setup)
    if setup.is_under_way:
        _leave(setup)
    db.session.commit()
    return setup


def _begin(actor: UUID, language: str) -> tuple[MethodSetup, Work]:
    """Write the intent down: the setup, and the work that this request means to do itself."""
    live = live_subscription()
    setup = MethodSetup(
        tenant_id=tenancy.require_tenant(),
        id=uuid7(),
        started_by=actor,
        language=language,
        currency=live.currency if live else current_app.extensions["settings"].currency,
    )
    steps.begin(setup, "preparing")
    db.session.add(setup)
    db.session.flush()
    work = stage_leased(
        "method_setup.open",
        f"method_setup.open:{setup.id}",
        tenant_id=setup.tenant_id,
        payload={"setup_id": str(setup.id)},
        seconds=leased.SECONDS,
    )
    audit.record("method_setup.start", "method_setup", str(setup.id), actor=actor)
    return setup, work


def _leave(setup: MethodSetup) -> None:
    steps.move(setup, "abandoned")
    setup.closed_at = clock.now()
    setup.url = None
    audit.record("method_setup.abandon", "method_setup", str(setup.id))
    stage(
        "method_setup.expire",
        f"method_setup.expire:{setup.id}",
        tenant_id=setup.tenant_id,
        payload={"setup_id": str(setup.id)},
    )
    db.session.flush()


def _under_way() -> MethodSetup | None:
    return db.session.scalars(select(MethodSetup).where(MethodSetup.state.in_(("preparing", "open")))).first()


def _is_stale(setup: MethodSetup) -> bool:
    """Past its end without an event, or never opened."""
    if setup.expires_at is not None:
        return setup.expires_at <= business_time.now()
    return key_is_forgotten(setup.created_at)
