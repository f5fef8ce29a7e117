"""Running claimed work: bind its tenant, call its handler, settle the row."""

import logging
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import DBAPIError

from portal import findings, tenancy
from portal.errors import Unavailable
from portal.extensions import db
from portal.leasing import MAX_LAPSES
from portal.outbox import batches, leases, registry
from portal.outbox.work import Retry, Work

log = logging.getLogger("portal.outbox")


def run_next() -> int:
    """Do the next due piece of work, with its like where they are batched. Returns how many pieces there were."""
    work = leases.claim()
    if work is None:
        return 0
    works = batches.claim_more(work)
    if len(works) > 1 and (done := batches.run(works)):
        return done
    return _run_singly(works)


def _run_singly(works: Sequence[Work]) -> int:
    until = time.monotonic() + batches.SECONDS
    for number, work in enumerate(works, 1):
        run(work)
        if time.monotonic() > until and number < len(works):
            batches.give_back(works[number:])
            return number
    return len(works)


def run(work: Work) -> None:
    """Do one piece of claimed work and settle its row, whatever happens."""
    if work.lapses >= MAX_LAPSES:
        _settle(lambda: _give_up_what_kills(work))
        return
    extra = {"kind": work.kind, "outbox_key": work.key, "attempts": work.attempts, "tenant_id": work.tenant_id}
    try:
        function = registry.handler_of(work.kind)
        with tenancy.bound(work.tenant_id):
            function(work)
            _finish_if_open(work)
    except leases.LeaseLost:
        log.warning("lease lost; the new holder does it", extra=extra)
    except Retry as later:
        seconds, reason = later.seconds, str(later)
        _settle(lambda: leases.postpone(work, seconds, reason))
    except Unavailable as error:
        log.warning("not available: %s", error, extra=extra)
        unavailable = str(error)
        _settle(lambda: leases.wait_out(work, unavailable))
    except Exception as error:
        log.exception("work failed", extra=extra)
        reason = _reason(error)
        _settle(lambda: _count_failure(work, reason))


def _finish_if_open(work: Work) -> None:
    """Finish for handlers that had nothing to commit; those which finished themselves are done already."""
    try:
        leases.finish(work)
        db.session.commit()
    except leases.LeaseLost:
        db.session.rollback()


def _reason(error: Exception) -> str:
    """What staff may read; a database error repeats whole rows, so that only its kind is kept."""
    if isinstance(error, DBAPIError):
        return f"{type(error).__name__}: {type(error.orig).__name__}"
    return f"{type(error).__name__}: {error}"


def _settle(act: Callable[[], None]) -> None:
    """Settle the row in a transaction of its own; a lease that has passed on is the new holder's to settle."""
    with tenancy.bound():
        try:
            act()
            db.session.commit()
        except leases.LeaseLost:
            db.session.rollback()


def _count_failure(work: Work, reason: str) -> None:
    if leases.fail(work, reason):
        _tell_staff(work, reason)


def _give_up_what_kills(work: Work) -> None:
    """Nothing was raised and nothing written: the row ends its workers, and every other row's with them."""
    reason = f"{work.lapses} workers in a row ended while they did this"
    log.error(reason, extra={"kind": work.kind, "outbox_key": work.key, "tenant_id": work.tenant_id})
    leases.give_up(work, reason)
    _tell_staff(work, reason)


def _tell_staff(work: Work, reason: str) -> None:
    findings.report_about(work.tenant_id, "dead_work", work.key, kind=work.kind, error=reason[:500])
