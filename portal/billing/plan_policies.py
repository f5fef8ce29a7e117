"""What staff decide for each plan: its trial, when a change takes place, how it ends, what a slow payment
grants, what usage costs in a trial and through a change."""

from dataclasses import asdict, dataclass
from typing import ClassVar
from uuid import UUID

from sqlalchemy import select

from portal import lookups, tenancy
from portal.errors import Invalid
from portal.extensions import db
from portal.models import Plan
from portal.security import audit

LONGEST_TRIAL_DAYS = 730  # Stripe's limit


class BadPlanPolicy(Invalid):
    code = "bad_plan_policy"
    message = "Choose one of the offered values; a trial has 0 to 730 days."


@dataclass(frozen=True)
class PlanPolicy:
    """The policy columns of :class:`portal.models.Plan`, where each is explained."""

    trial_days: int
    trial_method: str
    trial_end: str
    upgrade_at: str
    downgrade_at: str
    interval_change_at: str
    cancel_at: str
    cancel_refund: str
    processing_access: str
    usage_in_trial: str
    usage_on_change: str

    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {
        "trial_method": ("required", "optional"),
        "trial_end": ("cancel", "pause", "create_invoice"),
        "upgrade_at": ("now", "period_end"),
        "downgrade_at": ("now", "period_end"),
        "interval_change_at": ("now", "period_end"),
        "cancel_at": ("period_end", "choice"),
        "cancel_refund": ("none", "prorated"),
        "processing_access": ("wait", "grant"),
        "usage_in_trial": ("free", "billed"),
        "usage_on_change": ("carry_on", "split"),
    }

    @classmethod
    def of(cls, plan: Plan) -> "PlanPolicy":
        """The policy that a plan has now."""
        return cls(trial_days=plan.trial_days, **{name: getattr(plan, name) for name in cls.CHOICES})

    def check(self) -> None:
        """Raises :class:`BadPlanPolicy`."""
        known = all(getattr(self, name) in choices for name, choices in self.CHOICES.items())
        if not known or not 0 <= self.trial_days <= LONGEST_TRIAL_DAYS:
            raise BadPlanPolicy


def plans() -> list[Plan]:
    """The plans that are not archived, in the order of the plans page."""
    wanted = select(Plan).where(Plan.archived_at.is_(None)).order_by(Plan.position, Plan.price_monthly, Plan.plan_id)
    return list(db.session.scalars(wanted))


def get(plan_id: str) -> Plan:
    """A plan, also an archived one: tenants may have it still. Raises :class:`portal.errors.NotFound`."""
    return lookups.one(select(Plan).where(Plan.plan_id == plan_id))


def change(plan_id: str, policy: PlanPolicy, *, actor: UUID) -> None:
    """Give a plan another policy, for everybody who has it from now on. Commits.

    Trials that run, changes that are scheduled and cancellations that are made keep what was said to their tenants,
    and so does the quote of a change for its quarter of an hour; a refund that was stated is looked at again.
    ``actor`` is of the staff's admin or finance: the database asks, too.
    Raises :class:`BadPlanPolicy`, :class:`portal.errors.NotFound`.
    """
    policy.check()
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        plan = get(plan_id)
        before, after = asdict(PlanPolicy.of(plan)), asdict(policy)
        moved = [name for name in after if before[name] != after[name]]
        if moved:
            for name in moved:
                setattr(plan, name, after[name])
            audit.record(
                "plan.policy",
                "plan",
                plan_id,
                before={name: before[name] for name in moved},
                after={name: after[name] for name in moved},
            )
        db.session.commit()
