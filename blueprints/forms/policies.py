"""What staff decide for a plan, and for invoices that stay unpaid."""

from datetime import timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from wtforms import DecimalField, IntegerField, SelectChoice, SelectField
from wtforms.validators import InputRequired, Optional

from blueprints.forms.base import PortalForm
from portal.billing.money_policy import MoneyPolicy
from portal.billing.plan_policies import PlanPolicy

_WHOLE_NUMBER = InputRequired(_("Enter a whole number."))


def _choice(label: Any, **options: Any) -> SelectField:
    return SelectField(label, choices=[SelectChoice(value, text) for value, text in options.items()])


class PlanPolicyForm(PortalForm):
    """The fields of :class:`portal.billing.plan_policies.PlanPolicy`."""

    trial_days = IntegerField(_("Days of trial"), [_WHOLE_NUMBER])
    trial_method = _choice(_("A card for the trial"), optional=_("not needed"), required=_("needed first"))
    trial_end = _choice(
        _("A trial that ends without a card"),
        cancel=_("ends the plan"),
        pause=_("pauses the plan"),
        create_invoice=_("leaves an unpaid invoice"),
    )
    upgrade_at = _choice(_("A dearer plan begins"), now=_("at once"), period_end=_("with the next period"))
    downgrade_at = _choice(_("A cheaper plan begins"), now=_("at once"), period_end=_("with the next period"))
    interval_change_at = _choice(_("Another interval begins"), now=_("at once"), period_end=_("with the next period"))
    cancel_at = _choice(_("Who cancels may leave"), period_end=_("at the end of the period"), choice=_("also at once"))
    cancel_refund = _choice(
        _("Who leaves at once gets back"), none=_("nothing"), prorated=_("what is left of the period")
    )
    processing_access = _choice(
        _("While a bank payment is on its way"), wait=_("the plan waits"), grant=_("the plan works")
    )
    usage_in_trial = _choice(_("Usage beyond the plan in a trial"), free=_("costs nothing"), billed=_("is billed"))
    usage_on_change = _choice(
        _("When this plan begins within a month, its usage"),
        carry_on=_("goes on, by the terms of this plan"),
        split=_("is split there, each part by its own plan"),
    )

    def chosen(self, name: str) -> str:
        """What is chosen in a field, in words."""
        return dict(self.options(name))[self[name].data]

    def policy(self) -> PlanPolicy:
        """What was entered."""
        return PlanPolicy(trial_days=self.trial_days.data, **{name: self[name].data for name in PlanPolicy.CHOICES})


class CollectionPolicyForm(PortalForm):
    """Whole days after an invoice failed; tries within an hour."""

    restricted_after_days = IntegerField(_("Days until what goes beyond a plan is refused"), [_WHOLE_NUMBER])
    suspended_after_days = IntegerField(_("Days until the plan is suspended"), [_WHOLE_NUMBER])
    tries_by_hand_per_hour = IntegerField(_("Tries by hand in an hour"), [_WHOLE_NUMBER])

    def policy(self) -> dict[str, Any]:
        """What :func:`portal.billing.standing.set_policy` takes."""
        days = [min(max(self[name].data, -1), 10_000) for name in ("restricted_after_days", "suspended_after_days")]
        return {
            "restricted_after": timedelta(days=days[0]),
            "suspended_after": timedelta(days=days[1]),
            "tries_by_hand_per_hour": self.tries_by_hand_per_hour.data,
        }


class MoneyPolicyForm(PortalForm):
    """The fields of :class:`portal.billing.money_policy.MoneyPolicy`."""

    second_person_above = DecimalField(_("Two people decide above"), [Optional()], places=None)
    dispute_opened_action = _choice(
        _("While a payment is disputed, the plan"),
        nothing=_("goes on"),
        stop_renewal=_("is not renewed, unless the dispute is won"),
    )
    dispute_lost_action = _choice(
        _("When the dispute is lost, the plan"), nothing=_("goes on"), end_now=_("ends at once")
    )

    def policy(self) -> MoneyPolicy:
        """What was entered."""
        return MoneyPolicy(
            self.second_person_above.data, self.dispute_opened_action.data, self.dispute_lost_action.data
        )
