"""What staff grant of a resource in a plan, and what more costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar, Literal
from uuid import UUID

from flask import current_app
from sqlalchemy import select

from portal import lookups, money, tenancy
from portal.billing import plan_policies
from portal.errors import Invalid
from portal.extensions import db
from portal.models import Plan, PlanResource, Resource
from portal.pricing import metering
from portal.pricing.metering import Tier
from portal.security import audit
from portal.usage import resources, terms
from portal.usage.terms import Terms

MOST_TIERS = 50
MOST_DIGITS = 15
MOST_DECIMALS = 9
PRICE_DECIMALS = 12  # of a minor unit: what Stripe's unit_amount_decimal takes
LARGEST_AMOUNT_MINOR = 99_999_999  # Stripe's largest charge
KINDS = ("hard", "soft")
MODES = ("graduated", "volume")


class BadTerms(Invalid):
    """Base of what can be wrong with terms; ``field`` names the part of the draft."""

    code = "bad_terms"
    field: ClassVar[str] = "tiers"
    message = "Choose one of the offered values."


class BadIncluded(BadTerms):
    code, field = "bad_terms_included", "included"
    message = "What is included is a quantity from 0 on, with at most 15 digits, 9 of them decimals."


class BadPackage(BadTerms):
    code, field = "bad_terms_package", "package_size"
    message = "A package holds more than 0, with at most 15 digits, 9 of them decimals."


class NoPrice(BadTerms):
    code = "terms_without_price"
    message = "Say what more costs in %(currency)s, or refuse more."


class TierWithoutEnd(BadTerms):
    code = "tier_without_end"
    message = "%(currency)s, row %(row)d: only the last tier has no end. Say where this one ends."


class LastTierEnds(BadTerms):
    code = "last_tier_ends"
    message = "%(currency)s, row %(row)d: the last tier has no end. Leave it empty, or add a row for what is beyond."


class TiersNotRising(BadTerms):
    code = "tiers_not_rising"
    message = "%(currency)s, row %(row)d: a tier ends after the one before it."


class NegativeTier(BadTerms):
    code = "negative_tier"
    message = "%(currency)s, row %(row)d: nothing here is below zero."


class TierTooLong(BadTerms):
    code = "tier_too_long"
    message = (
        "%(currency)s, row %(row)d: an end has at most 15 digits, a price at most 12 decimals of the smallest unit, "
        "and no amount is above 999,999.99."
    )


class TooManyTiers(BadTerms):
    code = "too_many_tiers"
    message = "%(currency)s: there are at most %(most)d tiers."


@dataclass(frozen=True)
class Draft:
    """Terms to be given. ``included`` of ``None``: without end. ``tiers`` by lower-case currency, in minor units.

    A tier's ``up_to`` counts packages of ``package_size`` beyond what is included.
    """

    included: Decimal | None
    limit_kind: Literal["hard", "soft"] = "hard"
    tiers_mode: metering.Mode = "graduated"
    package_size: Decimal = Decimal(1)
    tiers: Mapping[str, Sequence[Tier]] = field(default_factory=dict)

    @classmethod
    def of(cls, found: Terms) -> "Draft":
        """What holds now."""
        rate = next(iter(found.rates.values()), metering.Rate("graduated", ()))
        tiers = {currency: each.tiers for currency, each in found.rates.items()}
        return cls(found.included, found.limit_kind, rate.mode, rate.package_size, tiers)

    def as_terms(self, resource: Resource) -> Terms:
        """What would hold; to be asked what a quantity would cost."""
        rates = {
            currency: metering.Rate(self.tiers_mode, tuple(tiers), self.package_size)
            for currency, tiers in self.tiers.items()
        }
        return Terms(resource, self.included, self.limit_kind, rates)

    def stored(self) -> dict[str, Any]:
        """The columns of :class:`portal.models.PlanResource`."""
        return {
            "included": self.included,
            "limit_kind": self.limit_kind,
            "tiers_mode": self.tiers_mode,
            "package_size": self.package_size,
            "tiers": {currency: [_stored(tier) for tier in tiers] for currency, tiers in self.tiers.items()},
        }

    def telling(self) -> list[Decimal]:
        """Quantities that show what the terms do: what is included, a little more, and where each tier ends."""
        free = self.included or Decimal(0)
        ends = sorted({tier.up_to for tiers in self.tiers.values() for tier in tiers if tier.up_to is not None})
        beyond = [Decimal(0), Decimal(1), *(end * self.package_size for end in ends[:4])]
        beyond.append(2 * max(beyond[-1], free, 50 * self.package_size))
        return sorted({free + more for more in beyond})


def of_plan(plan_id: str) -> tuple[Plan, Mapping[str, Terms]]:
    """A plan and what holds in it, by resource. Raises :class:`portal.errors.NotFound`."""
    plan = plan_policies.get(plan_id)
    return plan, terms.of_plan(plan)


def currency_of(plan: Plan) -> str:
    """The currency, in lower case, that a plan is sold in: its prices have to be there."""
    return str(plan.currency or current_app.extensions["settings"].currency).lower()


def check(draft: Draft, plan: Plan) -> None:
    """Raises :class:`BadTerms` subclasses, in the order of the form."""
    if draft.included is not None and (draft.included < 0 or not _fits(draft.included)):
        raise BadIncluded
    if draft.limit_kind not in KINDS or draft.tiers_mode not in MODES:
        raise BadTerms
    if draft.package_size <= 0 or not _fits(draft.package_size):
        raise BadPackage
    for currency, tiers in draft.tiers.items():
        _check_tiers(tiers, currency)
    currency = currency_of(plan)
    if draft.limit_kind == "soft" and draft.included is not None and not draft.tiers.get(currency):
        raise NoPrice(currency=currency.upper())


def change(plan_id: str, resource_type: str, draft: Draft, *, actor: UUID) -> None:
    """Give a plan other terms for a resource: limits at once, prices for periods that begin from now on. Commits.

    The plan's ``limits``, which its pages show, are kept the same as what is included. ``actor`` is of the staff's
    admin or finance: the database asks, too. Raises :class:`BadTerms` subclasses, :class:`portal.errors.NotFound`.
    """
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        plan = _locked(plan_id)
        check(draft, plan)
        resources.get(resource_type)
        row = db.session.get(PlanResource, (plan_id, resource_type))
        before, after = _told(row), draft.stored()
        _set_limit(plan, resource_type, draft.included)
        db.session.flush()  # first: the version that is kept of the terms looks at it
        if row is None:
            db.session.add(PlanResource(plan_id=plan_id, resource_type=resource_type, **after))
        else:
            for name, value in after.items():
                setattr(row, name, value)
        db.session.flush()
        _record("plan.terms", plan_id, resource_type, before, after)
        db.session.commit()


def remove(plan_id: str, resource_type: str, *, actor: UUID) -> None:
    """Take a resource out of a plan: nothing of it may be used any more. Commits.

    What was used costs what it did, in the periods that began before. Once more does nothing. Raises
    :class:`portal.errors.NotFound`.
    """
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        plan = _locked(plan_id)
        row = db.session.get(PlanResource, (plan_id, resource_type))
        if row is None and resource_type not in plan.limits:
            return
        before = _told(row) or {"included": str(plan.limits.get(resource_type))}
        if row is not None:
            db.session.delete(row)
        _set_limit(plan, resource_type, None)
        db.session.flush()
        _record("plan.terms_removed", plan_id, resource_type, before, None)
        db.session.commit()


def _locked(plan_id: str) -> Plan:
    """Two who change a plan's limits at once would overwrite each other's."""
    wanted = select(Plan).where(Plan.plan_id == plan_id).with_for_update()
    return lookups.one(wanted.execution_options(populate_existing=True))


def _set_limit(plan: Plan, resource_type: str, included: Decimal | None) -> None:
    limits = {name: value for name, value in plan.limits.items() if name != resource_type}
    if included is not None:
        limits[resource_type] = int(included) if included == included.to_integral_value() else float(included)
    if limits != plan.limits:
        plan.limits = limits


def _record(
    verb: str, plan_id: str, resource_type: str, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None
) -> None:
    audit.record(verb, "plan", f"{plan_id}:{resource_type}", before=before, after=_texts(after))


def _told(row: PlanResource | None) -> dict[str, Any] | None:
    names = ("included", "limit_kind", "tiers_mode", "package_size", "tiers")
    return None if row is None else _texts({name: getattr(row, name) for name in names})


def _texts(values: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """As the audit chain takes it: decimals by their digits."""
    if values is None:
        return None
    return {name: f"{value:f}" if isinstance(value, Decimal) else value for name, value in values.items()}


def _stored(tier: Tier) -> dict[str, Any]:
    return {
        "up_to": None if tier.up_to is None else f"{tier.up_to:f}",
        "unit_amount_decimal": f"{tier.unit_amount:f}",
        "flat_amount": tier.flat_amount,
    }


def _check_tiers(tiers: Sequence[Tier], currency: str) -> None:
    if len(tiers) > MOST_TIERS:
        raise TooManyTiers(currency=currency.upper(), most=MOST_TIERS)
    last = Decimal(0)
    for row, tier in enumerate(tiers, 1):
        where = {"currency": currency.upper(), "row": row}
        if any(value < 0 for value in (tier.unit_amount, tier.flat_amount, tier.up_to or 0)):
            raise NegativeTier(**where)
        if not _is_amount(tier, currency) or not (tier.up_to is None or _fits(tier.up_to)):
            raise TierTooLong(**where)
        if row == len(tiers):
            if tier.up_to is not None:
                raise LastTierEnds(**where)
            return
        if tier.up_to is None:
            raise TierWithoutEnd(**where)
        if tier.up_to <= last:
            raise TiersNotRising(**where)
        last = tier.up_to


def _is_amount(tier: Tier, currency: str) -> bool:
    is_step = tier.flat_amount % money.smallest_charge_step(currency) == 0
    is_small = tier.unit_amount <= LARGEST_AMOUNT_MINOR and tier.flat_amount <= LARGEST_AMOUNT_MINOR
    return is_step and is_small and _decimals(tier.unit_amount) <= PRICE_DECIMALS


def _fits(number: Decimal) -> bool:
    """As quantities in reports do: at most fifteen digits, nine of them behind the point."""
    whole = max(number.adjusted() + 1, 0) if number else 0
    return _decimals(number) <= MOST_DECIMALS and whole + _decimals(number) <= MOST_DIGITS


def _decimals(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))
