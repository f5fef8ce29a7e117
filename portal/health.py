"""Is every part there? Each answers for itself within a short time, and none stops the others."""

import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from portal import tenancy
from portal.errors import DomainError
from portal.extensions import db
from portal.gateway.account import verify_account
from portal.heartbeats import is_alive
from portal.outbox.wake import bell

SMTP_TIMEOUT_SECONDS = 3


@dataclass(frozen=True)
class Part:
    """One dependency: whether it is well, in how many milliseconds it answered, and a word if not."""

    name: str
    ok: bool
    milliseconds: int
    detail: str = ""


def dependencies() -> list[Part]:
    """What a page needs: database and Redis, and that worker and ticker live. Cheap enough for every few seconds."""
    return [
        _part("database", _database),
        _part("redis", _redis),
        _part("worker", lambda: _alive("worker")),
        _part("ticker", lambda: _alive("ticker")),
    ]


def outside() -> list[Part]:
    """What the business needs from others: Stripe and the mail server. For start-up and the doctor."""
    return [_part("stripe", verify_account), _part("smtp", _smtp)]


def _part(name: str, check: Callable[[], None]) -> Part:
    started = time.monotonic()
    try:
        check()
    except (SQLAlchemyError, RedisError, OSError, smtplib.SMTPException, DomainError, LookupError) as error:
        # The message of a driver may name hosts and users; /health is public.
        detail = str(error) if isinstance(error, LookupError | DomainError) else type(error).__name__
        return Part(name, False, _since(started), detail)
    return Part(name, True, _since(started))


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _database() -> None:
    tenancy.fresh()
    db.session.execute(text("SELECT 1"))
    db.session.rollback()


def _redis() -> None:
    bell().ping()


def _alive(kind: str) -> None:
    if not is_alive(kind):
        raise LookupError(f"no {kind} has been seen lately")


def _smtp() -> None:
    settings = current_app.extensions["settings"]
    server_class = smtplib.SMTP_SSL if settings.smtp_port == 465 else smtplib.SMTP
    with server_class(settings.smtp_host, settings.smtp_port, timeout=SMTP_TIMEOUT_SECONDS) as server:
        server.noop()
