"""The bell: an RQ job that tells a worker to look at the database.

It carries nothing and may be lost; the ticker rings again. Redis is given 0.2 s and no retry, and after a
failure it is left alone for a while: a page must never wait for a bell (design §5.9).
"""

import logging
from contextlib import suppress
from typing import Any

from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry as RedisRetry
from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import event
from sqlalchemy.orm import Session

from portal import failpoints
from portal.breaker import Breaker
from portal.extensions import db

QUEUE = "portal"
DRAIN = "jobs.drain.serve_bell"
TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 5.0
UNHEARD = "portal:unheard-bell"
UNHEARD_MILLISECONDS = 500  # for this long a worker that died before it heard keeps others from being rung

log = logging.getLogger("portal.outbox")


class Bell:
    """Rings a worker through RQ; silent while Redis does not answer."""

    def __init__(self, url: str) -> None:
        self.redis = Redis.from_url(
            url,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=RedisRetry(NoBackoff(), 0),
        )
        self._queue = Queue(QUEUE, connection=self.redis, serializer=JSONSerializer)
        self._breaker = Breaker(PAUSE_SECONDS, PAUSE_SECONDS)

    def ring(self) -> bool:
        """Ask a worker to drain. Returns whether Redis took it."""
        if self._breaker.remaining():
            return False
        try:
            # Results and failures are of no interest: the truth is in the outbox. One second and not zero: RQ
            # deletes a job without a result by reading it first, and fails when Redis was wiped meanwhile.
            with failpoints.around("redis.ring", RedisConnectionError):
                # One unheard bell is enough for all: whoever hears it looks afterwards, and what is committed by
                # now is there then. A flood of events would else ring a thousand times a second.
                if self.redis.set(UNHEARD, 1, nx=True, px=UNHEARD_MILLISECONDS):
                    self._queue.enqueue(DRAIN, result_ttl=1, failure_ttl=60, ttl=60, job_timeout=120)
        except RedisError as error:
            self._breaker.failed()
            log.warning("redis does not answer; the ticker will see to the work: %s", type(error).__name__)
            return False
        return True

    def heard(self) -> None:
        """Say, before looking for work, that the next ring is a new one."""
        with suppress(RedisError):
            self.redis.delete(UNHEARD)

    def ping(self) -> None:
        """Raises :class:`redis.exceptions.RedisError` when Redis does not answer in 0.2 s."""
        self.redis.ping()


def init_wake(app: Flask) -> None:
    app.extensions["bell"] = Bell(app.extensions["settings"].redis_url)


def bell() -> Bell:
    """The running app's bell."""
    found: Bell = current_app.extensions["bell"]
    return found


def after_commit() -> None:
    """Ring once when the session's transaction has been committed; a rollback forgets it."""
    db.session().info["wake"] = True


@event.listens_for(Session, "after_commit")
def _ring(session: Session) -> None:
    if session.info.pop("wake", False):
        bell().ring()


@event.listens_for(Session, "after_rollback")
def _forget(session: Session, *_: Any) -> None:
    session.info.pop("wake", None)
