"""What a wake-up does: mirror what is wanted and do what is owed, until nothing is due."""

import time
from contextlib import suppress
from itertools import count

from flask import current_app
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

import jobs  # noqa: F401  (registers the handlers)
from portal import failpoints, tenancy
from portal.mirror import dispatch as mirror
from portal.outbox import dispatch as outbox
from portal.outbox.wake import bell

BUDGET_SECONDS = 20.0
# In the turn after which there is likely more than one worker can do at once: an idle one joins, and calls the next.
CALL_A_COLLEAGUE = 2


def serve_bell() -> int:
    """The RQ job that :class:`portal.outbox.wake.Bell` enqueues; RQ acknowledges it when this returns."""
    # A Redis that goes away here costs half a second of silence; the bell that was rung is heard all the same.
    with suppress(RedisError), failpoints.around("redis.heard", RedisConnectionError):
        bell().heard()
    with failpoints.around("rq.job"):
        return drain()


def drain() -> int:
    """Work until nothing is due or the budget is used up; then ring again, so that others get a turn.

    Returns how many pieces were done. Needs an app context on the worker role.
    """
    until = time.monotonic() + BUDGET_SECONDS
    done = 0
    for turn in count(1):
        if time.monotonic() > until:
            break
        # Both each turn: a flood of events must not starve mail, nor the other way round.
        mirrored, worked = mirror.run_next(), outbox.run_next()
        done += mirrored + worked
        if not (mirrored or worked):
            tenancy.fresh()
            return done
        if turn == CALL_A_COLLEAGUE:
            bell().ring()
    tenancy.fresh()
    current_app.logger.info("budget used up, ringing again")
    bell().ring()
    return done
