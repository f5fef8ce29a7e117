"""Doing work in the request that owes it, with a worker as its heir."""

from collections.abc import Callable
from typing import TypeVar

from portal.errors import DomainError
from portal.extensions import db
from portal.gateway.errors import PaymentServiceUnavailable
from portal.outbox import LeaseLost, Work, release

SECONDS = 60  # four calls of 15 s

T = TypeVar("T")


class StillWorking(PaymentServiceUnavailable):
    """Stripe was so slow that a worker took over; it finishes with the same keys."""

    code = "still_working"
    message = "This takes longer than usual."
    remedy = "It goes on in the background. Please look again in a minute."


def do_now(work: Work, act: Callable[[Work], T], *, still: type[DomainError] = StillWorking) -> T:
    """Do leased work now; returns what ``act`` returns. Raises ``still`` when a worker took over meanwhile.

    Raises whatever ``act`` raises, too.
    When Stripe does not answer it is unknown whether the work was done: it is given to a worker, who asks again
    with the same key, and the failure is raised.
    """
    try:
        return act(work)
    except LeaseLost as error:
        db.session.rollback()
        raise still from error
    except PaymentServiceUnavailable as error:
        db.session.rollback()
        release(work, str(error))
        db.session.commit()
        raise
