"""Why a plan cannot be changed as asked: each reason with its own sentence."""

from portal.errors import Conflict, Invalid


class NotSubscribed(Conflict):
    code = "not_subscribed"
    message = "You have no running subscription that could be changed."
    remedy = "Please choose a plan first."


class GoesToCheckout(Conflict):
    """From the free plan to a paid one: that is a purchase."""

    code = "goes_to_checkout"
    message = "From the free plan to a paid one you go through the checkout."
    remedy = "Please choose the plan on the page of plans."


class NothingChanges(Invalid):
    code = "nothing_changes"
    message = "This is what you have already."
    remedy = "Choose another plan, billing period or quantity."


class QuantityNotANumber(Invalid):
    code = "quantity_not_a_number"
    message = "The quantity has to be a whole number."


class QuantityTooSmall(Invalid):
    code = "quantity_too_small"
    message = "The quantity has to be at least 1."


class QuantityTooLarge(Invalid):
    code = "quantity_too_large"
    message = "This plan is sold up to a quantity of %(largest)s."


class ChangeUnderWay(Conflict):
    code = "plan_change_under_way"
    message = "Another change of your plan is under way."
    remedy = "Wait until it is done, or take it back first."


class PaymentOverdue(Conflict):
    code = "payment_overdue"
    message = "A payment of your subscription is overdue."
    remedy = "Please pay it first. After that the plan can be changed."


class SubscriptionPaused(Conflict):
    code = "subscription_paused"
    message = "Your subscription is paused."
    remedy = "Resume it first. After that the plan can be changed."


class SubscriptionEnding(Conflict):
    code = "subscription_ending"
    message = "Your subscription has been cancelled and ends soon."
    remedy = "Keep it first. After that the plan can be changed."


class OtherCurrency(Conflict):
    code = "other_currency"
    message = "Your subscription is billed in %(billed)s, this plan is sold in %(sold)s."
    remedy = "Nothing was changed. Please write to us."


class SubscriptionMoved(Conflict):
    """Stripe knows it otherwise than our records: they are read again."""

    code = "subscription_moved"
    message = "Your subscription has changed in the meantime."
    remedy = "Nothing was charged. Please look at the overview and try again in a moment."


class PeriodOver(Conflict):
    """The subscription was renewed between the confirmation and the moment at which Stripe could be asked."""

    code = "period_is_over"
    message = "Your subscription was renewed before the change could be made."
    remedy = "Nothing was charged for the change. Please choose the plan again."


class QuoteExpired(Conflict):
    """``replacement``: the id of the new quote."""

    code = "quote_expired"
    message = "This offer was valid for %(minutes)s minutes and has run out."
    remedy = "Nothing was charged. Here is a new one."


class QuoteMoved(Conflict):
    """``replacement``: the id of the new quote."""

    code = "quote_moved"
    message = "The amounts have changed since this offer was made."
    remedy = "Nothing was charged. Here is what it costs now."
