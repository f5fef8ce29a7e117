"""What is said about trials: the amount and the day of the first charge, each time."""

from datetime import datetime

from portal.extensions import db
from portal.models import Customer, Notice, Subscription
from portal.notices.contents.subscriptions import because_of_billing, price_fact, subscription_of
from portal.notices.message import Button, Fact, Message, Overtaken
from portal.notices.words import address, day, gettext, money, money_with_code


def ending(notice: Notice) -> Message:
    """The trial ends soon: what is charged then and when, or what happens because nobody can be charged."""
    subscription, plan = subscription_of(notice)
    if subscription.status != "trialing" or subscription.trial_end is None:
        raise Overtaken(f"the subscription is {subscription.status}")
    if subscription.cancel_at is not None or subscription.cancel_at_period_end:
        raise Overtaken("the subscription is canceled")
    if notice.step != f"{subscription.trial_end:%Y-%m-%dT%H:%M:%SZ}":
        raise Overtaken("the trial ends at another time by now")
    can_pay = _has_method(subscription)
    title = gettext("Your trial of %(plan)s ends on %(date)s", plan=plan, date=day(subscription.trial_end))
    return Message(
        subject=title,
        title=title,
        amount=money_with_code(subscription.next_amount_minor, subscription.currency),
        paragraphs=(what_comes(subscription, plan, can_pay=can_pay), _how_to_leave()),
        facts=(Fact(gettext("Plan"), plan), price_fact(subscription), _until(subscription.trial_end)),
        button=_open() if can_pay else _add_method(),
        why=because_of_billing(notice),
        tone="calm" if can_pay else "warn",
    )


def converted(notice: Notice) -> Message:
    """The trial is over and the plan is paid from now on."""
    subscription, plan = subscription_of(notice)
    if subscription.status not in ("active", "past_due"):
        raise Overtaken(f"the subscription is {subscription.status}")
    title = gettext("Your trial has ended, your %(plan)s plan goes on", plan=plan)
    can_pay = _has_method(subscription)
    return Message(
        subject=title,
        title=title,
        amount=money_with_code(subscription.amount_minor, subscription.currency),
        paragraphs=(
            gettext("The first payment is taken from your payment method. The invoice comes in an e-mail of its own.")
            if can_pay
            else gettext("There is no payment method that could be charged. Please add one, or pay the invoice."),
        ),
        facts=(Fact(gettext("Plan"), plan), price_fact(subscription)),
        button=_open() if can_pay else _add_method(),
        why=because_of_billing(notice),
        tone="calm" if can_pay else "warn",
    )


def lapsed(notice: Notice) -> Message:
    """The trial is over and nobody could be charged: the plan is paused or has ended, and nothing was charged."""
    subscription, plan = subscription_of(notice)
    if subscription.status != notice.step:
        raise Overtaken(f"the subscription is {subscription.status}")
    is_paused = subscription.status == "paused"
    if is_paused:
        title = gettext("Your trial has ended, your %(plan)s plan is paused", plan=plan)
        next_step = gettext("Add a payment method, then go on where you were. Nothing is charged before you say so.")
    else:
        title = gettext("Your trial of %(plan)s has ended", plan=plan)
        next_step = gettext("You can choose a plan again whenever you like. What you had stays in the portal.")
    return Message(
        subject=title,
        title=title,
        paragraphs=(gettext("There was no payment method, so nothing was charged."), next_step),
        facts=(Fact(gettext("Plan"), plan), price_fact(subscription)),
        button=_add_method() if is_paused else Button(gettext("See the plans"), address("/plans")),
        why=because_of_billing(notice),
        tone="warn",
    )


def what_comes(subscription: Subscription, plan: str, *, can_pay: bool) -> str:
    """What the end of a running trial brings, with amount and day."""
    amount = money(subscription.next_amount_minor, subscription.currency)
    until = day(subscription.trial_end or subscription.synced_at)
    if can_pay:
        return gettext("On %(date)s we charge %(amount)s to your payment method.", date=until, amount=amount)
    if subscription.trial_end_behavior == "pause":
        return gettext(
            "There is no payment method yet. Without one, %(plan)s is paused on %(date)s and nothing is charged. "
            "With one, we charge %(amount)s that day.",
            plan=plan, date=until, amount=amount,
        )  # fmt: skip
    if subscription.trial_end_behavior == "create_invoice":
        return gettext(
            "There is no payment method yet. On %(date)s you get an invoice over %(amount)s.", date=until, amount=amount
        )
    return gettext(
        "There is no payment method yet. Without one, %(plan)s ends on %(date)s and nothing is charged. "
        "With one, we charge %(amount)s that day.",
        plan=plan, date=until, amount=amount,
    )  # fmt: skip


def _has_method(subscription: Subscription) -> bool:
    customer = db.session.get(Customer, subscription.tenant_id)
    return bool(subscription.default_payment_method or (customer and customer.default_payment_method))


def _how_to_leave() -> str:
    return gettext("If you cancel before, nothing is charged.")


def _until(moment: datetime) -> Fact:
    return Fact(gettext("Trial ends on"), day(moment))


def _open() -> Button:
    return Button(gettext("Open your subscription"), address("/"))


def _add_method() -> Button:
    return Button(gettext("Add a payment method"), address("/payment-methods"))
