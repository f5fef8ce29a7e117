"""May so much more be used? Asked before every request of a gateway: answered from a memory of a few seconds."""

import json
import logging
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from flask import Flask, current_app
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from portal import business_time, tenancy
from portal.billing import standing
from portal.billing.subscriptions import live_subscription, plan_of
from portal.breaker import Breaker
from portal.errors import Invalid
from portal.exact_json import in_utc
from portal.extensions import db
from portal.models import Resource, UsagePeriod
from portal.security import api_keys
from portal.security.principal import hash_token
from portal.usage import figures, periods, terms
from portal.usage.resources import CODE

REMEMBERED_SECONDS = 5
TIMEOUT_SECONDS = 0.2
PAUSE_SECONDS = 5.0
log = logging.getLogger("portal.usage")


class UnknownResource(Invalid):
    code = "unknown_resource"
    message = "There is no such resource."
    remedy = "The summary of usage lists what is metered."


class BadQuantity(Invalid):
    code = "invalid_quantity"
    message = "A quantity is a number from 0 on, with at most 15 digits."


class Answer(NamedTuple):
    """``limit`` and ``remaining`` of ``None``: without end. ``resets_at``: when the next period begins, UTC."""

    allowed: bool
    used: Decimal
    limit: Decimal | None
    remaining: Decimal | None
    resets_at: str
    reason: str | None

    def numbers(self) -> dict[str, Decimal | None]:
        return {"used": self.used, "limit": self.limit, "remaining": self.remaining}


class Memory:
    """What was known of a key and a resource a moment ago. Redis may lose it, or be away: then it is looked up."""

    def __init__(self, url: str) -> None:
        self._redis = Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS, retry=Retry(NoBackoff(), 0)
        )
        self._breaker = Breaker(PAUSE_SECONDS, PAUSE_SECONDS)

    def get(self, key: str) -> dict[str, Any] | None:
        found = self._asked(lambda redis: redis.get(key))
        return json.loads(found) if found else None

    def set(self, key: str, known: dict[str, Any]) -> None:
        self._asked(lambda redis: redis.set(key, json.dumps(known), ex=REMEMBERED_SECONDS))

    def _asked(self, question: Any) -> Any:
        if self._breaker.remaining():
            return None
        try:
            return question(self._redis)
        except RedisError as error:
            self._breaker.failed()
            log.warning("redis does not remember usage: %s", type(error).__name__)
            return None


def init_permissions(app: Flask) -> None:
    app.extensions["usage_memory"] = Memory(app.extensions["settings"].redis_url)


def ask(token: str, resource_type: str, quantity: str) -> Answer:
    """Whether the tenant of a key may use ``quantity`` more.

    Of a resource that is a level (its highest or newest value counts) ``quantity`` is the level to be reached. What
    is answered may be up to five seconds old. Raises those of
    :func:`portal.security.api_keys.require`, :class:`UnknownResource`, :class:`BadQuantity`.
    """
    wanted = _quantity(quantity)
    if not CODE.fullmatch(resource_type):  # some texts cannot even be looked for
        api_keys.require(token, ["usage:read"])
        raise UnknownResource
    memory: Memory = current_app.extensions["usage_memory"]
    place = f"usage:may:{hash_token(token).hex()}:{resource_type}"
    known = memory.get(place)
    if known is None:
        known = _looked_up(api_keys.require(token, ["usage:read"]), resource_type)
        memory.set(place, known)
    return _decided(known, wanted)


def _looked_up(bearer: api_keys.Bearer, resource_type: str) -> dict[str, Any]:
    """What an answer is made of; texts, so that Redis can keep it."""
    with tenancy.bound(bearer.tenant_id):
        resource = db.session.get(Resource, resource_type)
        if resource is None or resource.archived_at is not None:
            raise UnknownResource
        subscription = live_subscription()
        granted = terms.of_plan(plan_of(subscription)).get(resource_type) if subscription is not None else None
        period = periods.begin(business_time.now())
        db.session.commit()
        used = figures.used(period.id, resource_type).get(resource_type, Decimal(0))
        return {
            "used": str(used),
            "has_plan": subscription is not None,
            "limit": _limit(granted, period),
            "kind": "hard" if granted is None else granted.limit_kind,
            "is_level": resource.is_level,
            "included": standing.allows("included"),
            "overage": standing.allows("overage"),
            "resets_at": in_utc(period.ends_at),
        }


def _limit(granted: terms.Terms | None, period: UsagePeriod) -> str | None:
    if granted is None:
        return "0"
    included = granted.included_in(period.share)
    return None if included is None else str(included)


def _decided(known: dict[str, Any], wanted: Decimal) -> Answer:
    used = Decimal(known["used"])
    limit = None if known["limit"] is None else Decimal(known["limit"])
    after = wanted if known["is_level"] else used + wanted
    reason = None
    if not known["has_plan"]:
        reason = "no_plan"
    elif not known["included"]:
        reason = "account_suspended"
    elif limit is not None and after > limit:
        if known["kind"] == "hard":
            reason = "limit_reached"
        elif not known["overage"]:
            reason = "account_restricted"
    remaining = None if limit is None else max(limit - used, Decimal(0))
    return Answer(reason is None, used, limit, remaining, known["resets_at"], reason)


def _quantity(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise BadQuantity from error
    if not number.is_finite() or number < 0 or number.adjusted() >= 15 or len(text) > 32:
        raise BadQuantity
    return number
