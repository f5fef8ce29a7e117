"""The staff's verbs on coupons: make one, archive it, see what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, func, select, update
from sqlalchemy.exc import IntegrityError

from portal import clock, money, tenancy
from portal.errors import Invalid, NotFound
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Coupon, CouponRedemption, Plan
from portal.models.coupons import CODE, DURATIONS, LONGEST_MONTHS, NAME_LENGTH, normal_code
from portal.outbox import stage
from portal.pricing.discounts import Terms
from portal.security import audit

LARGEST_PERCENT = Decimal(100)
LARGEST_COUNT = 10**9
LARGEST_AMOUNT_MINOR = 99_999_999  # Stripe's largest charge
SHOWN = 200


class BadCoupon(Invalid):
    """Base of what can be wrong with a new coupon; ``field`` names the part of the draft."""

    code = "bad_coupon"
    field: ClassVar[str] = ""


class BadCode(BadCoupon):
    code, field = "bad_coupon_code", "code"
    message = "A code has 2 to 40 letters, digits, hyphens or underscores, and begins with a letter or digit."


class CodeTaken(BadCoupon):
    code, status, field = "coupon_code_taken", 409, "code"
    message = "There is a coupon with this code already; archived ones count too."


class BadName(BadCoupon):
    code, field = "bad_coupon_name", "name"
    message = "A name has 1 to 40 characters; it stands on invoices."


class BadDiscount(BadCoupon):
    code, field = "bad_coupon_discount", "percent_off"
    message = "Give either a percentage from 0.01 to 100 with at most two decimals, or an amount above zero."


class BadDuration(BadCoupon):
    code, field = "bad_coupon_duration", "duration_in_months"
    message = "A discount for some months needs their number, from 1 to 120; others have none."


class BadCap(BadCoupon):
    code, field = "bad_coupon_cap", "max_redemptions"
    message = "A limit is a whole number from 1 on, or empty for none."


class BadMinimum(BadCoupon):
    code, field = "bad_coupon_minimum", "minimum_amounts"
    message = "A minimum price is an amount above zero in one of the coupon's currencies."


class BadWindow(BadCoupon):
    code, field = "bad_coupon_window", "valid_until"
    message = "The end must lie in the future and after the beginning."


class BadPlans(BadCoupon):
    code, field = "bad_coupon_plans", "plan_ids"
    message = "Choose plans that are on sale."


@dataclass(frozen=True)
class Draft:
    """A coupon to be made; the fields are the columns of :class:`portal.models.Coupon`."""

    code: str
    name: str
    percent_off: Decimal | None = None
    amounts_off: Mapping[str, int] = field(default_factory=dict)
    duration: str = "once"
    duration_in_months: int | None = None
    max_redemptions: int | None = None
    max_per_tenant: int | None = 1
    first_time_only: bool = False
    plan_ids: Sequence[str] = ()
    currencies: Sequence[str] = ()
    minimum_amounts: Mapping[str, int] = field(default_factory=dict)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    automatic: bool = False


@dataclass(frozen=True)
class Use:
    """A coupon with its redemptions over all tenants: reserved now, and redeemed ever."""

    coupon: Row[*tuple[Any, ...]]
    reserved: int
    redeemed: int

    @property
    def terms(self) -> Terms:
        row = self.coupon
        return Terms(row.duration, row.duration_in_months, row.percent_off, dict(row.amounts_off))


def create(draft: Draft, *, actor: UUID) -> UUID:
    """Make a coupon; a worker publishes it, and it is offered from then on. Commits. Returns its id.

    ``actor`` is of the staff's admin or finance: the database asks, too. Raises :class:`BadCoupon` subclasses.
    """
    values = _checked(draft)
    coupon_id = uuid7()
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        _require_plans(draft.plan_ids)
        try:
            db.session.add(Coupon(id=coupon_id, **values))
            db.session.flush()
        except IntegrityError as error:
            raise CodeTaken from error
        shown = {name: _text(value) for name, value in values.items()}
        audit.record("coupon.create", "coupon", str(coupon_id), after=shown)
        stage("coupon.publish", f"coupon.publish:{coupon_id}", payload={"coupon_id": str(coupon_id)})
        db.session.commit()
    return coupon_id


def archive(code: str, *, actor: UUID) -> None:
    """Offer it to nobody any more; who has it keeps it. Commits. Once more does nothing. Raises :class:`NotFound`."""
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        wanted = Coupon.code == normal_code(code)
        found = db.session.execute(select(Coupon.id, Coupon.archived_at).where(wanted)).first()
        if found is None:
            raise NotFound
        if found.archived_at is None:
            moment = clock.now()
            is_open = (Coupon.id == found.id) & Coupon.archived_at.is_(None)
            db.session.execute(update(Coupon).where(is_open).values(archived_at=moment))
            audit.record("coupon.archive", "coupon", str(found.id), after={"archived_at": moment})
            db.session.commit()


def uses() -> Sequence[Use]:
    """The newest coupons with their use, read on the staff role."""
    counted = (
        select(
            CouponRedemption.coupon_id,
            func.count().filter(CouponRedemption.state == "reserved").label("reserved"),
            func.count().filter(CouponRedemption.state == "redeemed").label("redeemed"),
        )
        .group_by(CouponRedemption.coupon_id)
        .subquery()
    )
    wanted = (
        select(*Coupon.__table__.columns, counted.c.reserved, counted.c.redeemed)
        .outerjoin(counted, counted.c.coupon_id == Coupon.id)
        .order_by(Coupon.archived_at.is_not(None), Coupon.id.desc())
        .limit(SHOWN)
    )
    with tenancy.staff_session() as session:
        return [Use(row, row.reserved or 0, row.redeemed or 0) for row in session.execute(wanted).all()]


def _checked(draft: Draft) -> dict[str, Any]:
    """The columns of the new coupon. Raises :class:`BadCoupon` subclasses, in the order of the form."""
    values = asdict(draft) | {"code": normal_code(draft.code), "name": draft.name.strip()}
    if not CODE.fullmatch(values["code"]):
        raise BadCode
    if not 1 <= len(values["name"]) <= NAME_LENGTH or not values["name"].isprintable():
        raise BadName
    _check_discount(draft)
    _check_limits(draft)
    for name in ("plan_ids", "currencies"):
        values[name] = list(values[name])
    return values


def _check_discount(draft: Draft) -> None:
    percent, amounts = draft.percent_off, draft.amounts_off
    if (percent is None) == (not amounts):
        raise BadDiscount
    if percent is not None and (not 0 < percent <= LARGEST_PERCENT or percent != percent.quantize(Decimal("0.01"))):
        raise BadDiscount
    if not all(_is_chargeable(amount, currency) for currency, amount in amounts.items()):
        raise BadDiscount
    months = draft.duration_in_months
    fits = months is not None and 1 <= months <= LONGEST_MONTHS if draft.duration == "repeating" else months is None
    if draft.duration not in DURATIONS or not fits:
        raise BadDuration


def _check_limits(draft: Draft) -> None:
    if any(cap is not None and not 1 <= cap <= LARGEST_COUNT for cap in (draft.max_redemptions, draft.max_per_tenant)):
        raise BadCap
    known = set(draft.currencies) or set(draft.amounts_off) or set(draft.minimum_amounts)
    for currency, amount in draft.minimum_amounts.items():
        if currency not in known or not _is_chargeable(amount, currency):
            raise BadMinimum
    until, since = draft.valid_until, draft.valid_from
    if until is not None and (until <= clock.now() or (since is not None and since >= until)):
        raise BadWindow


def _is_chargeable(amount_minor: int, currency: str) -> bool:
    is_step = amount_minor % money.smallest_charge_step(currency) == 0
    return 0 < amount_minor <= LARGEST_AMOUNT_MINOR and is_step


def _require_plans(plan_ids: Sequence[str]) -> None:
    on_sale = select(Plan.plan_id).where(Plan.plan_id.in_(plan_ids), Plan.archived_at.is_(None))
    if set(db.session.scalars(on_sale)) != set(plan_ids):
        raise BadPlans


def _text(value: Any) -> Any:
    """As the audit chain takes it: decimals by their digits."""
    return str(value) if isinstance(value, Decimal) else value
