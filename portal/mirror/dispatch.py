"""Reading one wanted object from Stripe and applying it, whatever happens."""

import logging
from collections.abc import Callable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import tenancy
from portal.extensions import db
from portal.findings import report
from portal.gateway.errors import PaymentServiceUnavailable, StripeMissing
from portal.leasing import MAX_LAPSES
from portal.mirror import drift, leases
from portal.mirror.errors import NotYet, Unmirrorable
from portal.mirror.kinds import KINDS, Mirrored, Resource
from portal.models import StripeCustomer
from portal.outbox import LeaseLost

log = logging.getLogger("portal.mirror")


def run_next() -> bool:
    """Mirror the next wanted object. Returns whether there was one."""
    claimed = leases.claim()
    if claimed is None:
        return False
    extra = {"object_id": claimed.object_id, "kind": claimed.kind, "attempts": claimed.attempts}
    if claimed.lapses >= MAX_LAPSES:
        log.error("workers ended while they mirrored this", extra=extra)
        _park(claimed, f"{claimed.lapses} workers in a row ended while they mirrored this")
        return True
    try:
        _mirror(claimed)
    except LeaseLost:
        log.warning("lease lost; the new holder mirrors it", extra=extra)
    except PaymentServiceUnavailable as error:
        log.warning("stripe does not answer: %s", error, extra=extra)
        reason = str(error)
        _settle(lambda: leases.wait_out(claimed, reason))
    except (NotYet, IntegrityError) as error:
        # IntegrityError: another object of the same tenant was applied first; reading again sees it.
        log.info("not yet: %s", error, extra=extra)
        # The first misses are races of milliseconds; growing delays would show on the page.
        _postpone_or_park(claimed, str(error), seconds=0.3 if claimed.attempts <= 3 else None)
    except (Unmirrorable, StripeMissing) as error:
        log.warning("parked: %s", error, extra=extra)
        _park(claimed, str(error))
    except Exception as error:
        log.exception("mirroring failed", extra=extra)
        _postpone_or_park(claimed, f"{type(error).__name__}: {error}")
    return True


def _mirror(claimed: leases.Claim) -> None:
    kind = KINDS[claimed.kind]
    resource = kind.fetch(claimed.object_id)
    tenant_id = _tenant_of(kind, resource)
    with tenancy.bound(tenant_id):
        before = drift.snapshot(claimed)
        kind.apply(resource)
        leases.complete(claimed)
        drift.record(claimed, before)
        db.session.commit()


def _tenant_of(kind: Mirrored, resource: Resource) -> UUID:
    customer_id = kind.customer(resource)
    tenancy.fresh()
    if customer_id is None:
        if (former := kind.former_tenant(resource)) is None:
            raise Unmirrorable("it belongs to no customer")
        return former
    tenant_id = db.session.scalar(select(StripeCustomer.tenant_id).where(StripeCustomer.customer_id == customer_id))
    if tenant_id is None:
        # Our own commit may still be on its way: the webhook of a customer that we create beats it easily.
        raise NotYet(f"customer {customer_id} is not known")
    return tenant_id


def _postpone_or_park(claimed: leases.Claim, error: str, *, seconds: float | None = None) -> None:
    if claimed.attempts >= leases.MAX_ATTEMPTS:
        _park(claimed, error)
    else:
        _settle(lambda: leases.postpone(claimed, error, seconds=seconds))


def _park(claimed: leases.Claim, error: str) -> None:
    def park() -> None:
        leases.park(claimed, error)
        report("parked_object", claimed.object_id, kind=claimed.kind, error=error)

    _settle(park)


def _settle(act: Callable[[], None]) -> None:
    """Settle the row in a transaction of its own; a lease that has passed on is the new holder's to settle."""
    with tenancy.bound():
        try:
            act()
            db.session.commit()
        except LeaseLost:
            db.session.rollback()
