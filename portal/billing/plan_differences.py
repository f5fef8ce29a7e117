"""What a change of plan takes away, adds, or makes too small for what is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import func, select

from portal.extensions import db
from portal.models import Membership, Plan

_EVERYTHING_OF = "All "  # "All Starter" stands for the features of the plan named Starter


@dataclass(frozen=True)
class LimitChange:
    """A limit in both plans; ``None`` where a plan has none. ``used``: what is there now, where that is known."""

    code: str
    before: int | None
    after: int | None
    used: int | None = None

    @property
    def is_exceeded(self) -> bool:
        return self.used is not None and self.after is not None and self.used > self.after

    @property
    def shrinks(self) -> bool:
        return self.after is not None and (self.before is None or self.after < self.before)


@dataclass(frozen=True)
class Differences:
    """``lost`` and ``gained``: features by their names. ``limits``: those that differ."""

    lost: tuple[str, ...]
    gained: tuple[str, ...]
    limits: tuple[LimitChange, ...]

    @property
    def exceeded(self) -> tuple[LimitChange, ...]:
        return tuple(limit for limit in self.limits if limit.is_exceeded)


def between(before: Plan, after: Plan) -> Differences:
    """What is different in ``after``, for the bound tenant."""
    plans = {plan.name: plan for plan in db.session.scalars(select(Plan))}
    had, has = tuple(_features(before, plans)), tuple(_features(after, plans))
    used = {"users": db.session.scalar(select(func.count()).select_from(Membership)) or 0}
    codes = dict.fromkeys([*before.limits, *after.limits])
    return Differences(
        lost=tuple(feature for feature in had if feature not in has),
        gained=tuple(feature for feature in has if feature not in had),
        limits=tuple(
            LimitChange(code, before.limits.get(code), after.limits.get(code), used.get(code))
            for code in codes
            if before.limits.get(code) != after.limits.get(code)
        ),
    )


def _features(plan: Plan, plans: Mapping[str, Plan], within: frozenset[str] = frozenset()) -> Iterable[str]:
    """A plan's features, those of the plans that it contains spelled out."""
    for feature in map(str, plan.features):
        contained = plans.get(feature.removeprefix(_EVERYTHING_OF)) if feature.startswith(_EVERYTHING_OF) else None
        if contained is None or contained.plan_id in within:
            yield feature
        else:
            yield from _features(contained, plans, within | {plan.plan_id})
