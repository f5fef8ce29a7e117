"""One report at a time for each tenant: printing is dear, and whoever presses twice shall not keep others waiting.

A turn is a key in Redis that ends by itself, so that it holds over all processes and nobody has to clean up after one
that was killed. Where Redis is away it holds in each process alone.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID, uuid4

from flask import Flask
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from portal.breaker import Breaker
from portal.errors import DomainError

LONGEST_SECONDS = 60  # a renderer that starts and then takes all of its time needs 40
TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 5.0
_GIVE_BACK = "return redis.call('get', KEYS[1]) == ARGV[1] and redis.call('del', KEYS[1]) or 0"
log = logging.getLogger("portal.usage")


class ReportUnderWay(DomainError):
    code = "report_under_way"
    status = 429
    message = "A report of your organisation is being made already."
    remedy = "It takes some seconds. Wait for it, then ask for the next one."


class ReportTurns:
    """Whose report is being made now."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        self._breaker = Breaker(PAUSE_SECONDS, PAUSE_SECONDS)
        self._lock, self._here = Lock(), set[UUID]()

    @contextmanager
    def one(self, tenant_id: UUID) -> Iterator[None]:
        """While inside, nobody else of the tenant comes in. Raises :class:`ReportUnderWay`."""
        with self._lock:
            if tenant_id in self._here:
                raise ReportUnderWay(retry_after=PAUSE_SECONDS)
            self._here.add(tenant_id)
        key, token = f"usage:report:{tenant_id}", uuid4().hex
        try:
            if not self._take(key, token):
                raise ReportUnderWay(retry_after=PAUSE_SECONDS)
            try:
                yield
            finally:
                self._give_back(key, token)
        finally:
            with self._lock:
                self._here.discard(tenant_id)

    def _take(self, key: str, token: str) -> bool:
        if self._breaker.remaining():
            return True
        try:
            return bool(self._redis.set(key, token, nx=True, ex=LONGEST_SECONDS))
        except RedisError as error:
            self._breaker.failed()
            log.warning("redis does not know whose report is made: %s", type(error).__name__)
            return True

    def _give_back(self, key: str, token: str) -> None:
        try:
            self._redis.eval(_GIVE_BACK, 1, key, token)
        except RedisError as error:  # it ends by itself
            self._breaker.failed()
            log.warning("redis still holds a report's turn: %s", type(error).__name__)


def init_report_turns(app: Flask) -> None:
    app.extensions["report_turns"] = ReportTurns(app.extensions["settings"].redis_url)
