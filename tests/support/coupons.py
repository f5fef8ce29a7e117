"""Coupons for tests: written as staff would, published to the sandbox by the portal's own job."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from apiflask import APIFlask
from sqlalchemy import create_engine, select
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from portal import tenancy
from portal.app import create_app
from portal.billing.publish_coupons import publish_missing_coupons
from portal.config import Settings
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Coupon, CouponRedemption
from tests.support import database


def make(app: APIFlask, code: str = "SAVE20", *, published: bool = True, **terms: Any) -> Coupon:
    """A coupon of 20 % off the first invoice unless told otherwise; ``amounts_off`` replaces the percentage."""
    settings: Settings = app.extensions["settings"]
    takes = {} if "amounts_off" in terms else {"percent_off": Decimal(20)}
    values = {"id": uuid7(), "code": code, "name": code.title(), "duration": "once", **takes, **terms}
    engine = create_engine(settings.role_url("owner"), poolclass=NullPool)
    with Session(engine, expire_on_commit=False) as session:
        session.add(Coupon(**values))
        session.commit()
        if published:
            publish(settings)
        session.expire_all()
        return session.scalars(select(Coupon).where(Coupon.code == code)).one()


def publish(settings: Settings) -> None:
    """What the worker does every half minute."""
    worker = create_app("worker", settings=settings)
    with worker.app_context():
        publish_missing_coupons()
        database.dispose(worker)


def redemptions(tenant_id: UUID) -> list[CouponRedemption]:
    """The tenant's own, the oldest first."""
    with tenancy.bound(tenant_id):
        return list(db.session.scalars(select(CouponRedemption).order_by(CouponRedemption.id)))


def states(tenant_id: UUID) -> list[str]:
    return [row.state for row in redemptions(tenant_id)]
