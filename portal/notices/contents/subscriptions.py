"""What is said about subscriptions."""

from uuid import UUID

from sqlalchemy import select

from portal import first_payments
from portal.extensions import db
from portal.labels import stored_text
from portal.models import Cancellation, Customer, Notice, Plan, Subscription, Tenant
from portal.notices.message import Button, Fact, Message, NotComposable, Overtaken
from portal.notices.words import address, day, gettext, money, money_with_code


def started(notice: Notice) -> Message:
    """The subscription runs: what it costs and when the first or next payment is taken."""
    subscription, plan = subscription_of(notice)
    if not subscription.is_live:
        raise Overtaken(f"the subscription is {subscription.status}")
    is_trial = subscription.status == "trialing" and subscription.trial_end is not None
    is_awaited = first_payments.is_awaited(subscription)
    title = gettext("Your trial of %(plan)s has started", plan=plan) if is_trial else _active(plan)
    if is_awaited:
        title = gettext("Your payment for %(plan)s is on its way", plan=plan)
    return Message(
        subject=title,
        title=title,
        amount="" if is_trial else money_with_code(subscription.amount_minor, subscription.currency),
        paragraphs=tuple(_what_happens_next(subscription, plan)),
        facts=(Fact(gettext("Plan"), plan), price_fact(subscription), *_dates(subscription)),
        button=Button(gettext("Open your subscription"), address("/")),
        why=because_of_billing(notice),
        tone="calm" if is_awaited else "good",
    )


def canceled(notice: Notice) -> Message:
    """The subscription has ended."""
    subscription, plan = subscription_of(notice)
    ended_at = subscription.ended_at or subscription.canceled_at
    title = gettext("Your %(plan)s plan has ended", plan=plan)
    return Message(
        subject=title,
        title=title,
        paragraphs=(
            gettext("The subscription has been canceled and will not renew."),
            *_given_back(subscription),
            gettext("Your invoices stay in the portal, and you can choose a plan again whenever you like."),
        ),
        facts=(
            Fact(gettext("Plan"), plan),
            *([Fact(gettext("Ended on"), day(ended_at))] if ended_at else []),
        ),
        button=Button(gettext("See the plans"), address("/plans")),
        why=because_of_billing(notice),
    )


def because_of_billing(notice: Notice) -> str:
    """Why the reader gets a notice on billing."""
    tenant = db.session.get_one(Tenant, notice.tenant_id)
    return gettext("You receive this mail because you look after the billing of %(tenant)s.", tenant=tenant.name)


def subscription_of(notice: Notice) -> tuple[Subscription, str]:
    """The subscription that a notice is about, and its plan's name in the reader's language."""
    row = db.session.execute(
        select(Subscription, Plan.name)
        .join(Plan, Plan.plan_id == Subscription.plan_id)
        .where(Subscription.id == UUID(notice.object_id))
    ).one_or_none()
    if row is None:
        raise NotComposable("there is no such subscription")
    return row[0], stored_text(row[1])


def plan_name(subscription: Subscription) -> str:
    """The plan's name in the reader's language."""
    return stored_text(db.session.get_one(Plan, subscription.plan_id).name)


def price_fact(subscription: Subscription) -> Fact:
    """What a period costs before discounts and tax."""
    return Fact(gettext("Price"), _price(subscription))


def _active(plan: str) -> str:
    return gettext("Your %(plan)s plan is active", plan=plan)


def _price(subscription: Subscription) -> str:
    if subscription.amount_minor == 0:
        return gettext("Free of charge")
    amount = money(subscription.amount_minor, subscription.currency)
    if subscription.interval == "year":
        return gettext("%(amount)s per year", amount=amount)
    return gettext("%(amount)s per month", amount=amount)


def _what_happens_next(subscription: Subscription, plan: str) -> list[str]:
    if subscription.status == "trialing" and subscription.trial_end is not None:
        until = day(subscription.trial_end)
        if subscription.cancel_at_period_end:
            return [gettext("You can use %(plan)s until %(date)s. Then the trial ends.", plan=plan, date=until)]
        return [
            gettext("You can use %(plan)s free of charge until %(date)s.", plan=plan, date=until),
            _first_charge(subscription),
        ]
    if subscription.amount_minor == 0:
        return [gettext("It costs nothing, and you can move to a larger plan at any time.")]
    if first_payments.is_awaited(subscription):
        return [
            gettext(
                "Your bank takes several banking days. %(plan)s is ready as soon as it has paid.",
                plan=plan,
            ),
            gettext("You have nothing to do. If the bank refuses, we tell you."),
        ]
    return [
        gettext("Thank you. Everything in %(plan)s is ready to use.", plan=plan),
        gettext("The subscription renews by itself. The invoice comes in an e-mail of its own."),
    ]


def _first_charge(subscription: Subscription) -> str:
    amount = money(subscription.next_amount_minor, subscription.currency)
    customer = db.session.get(Customer, subscription.tenant_id)
    if subscription.default_payment_method or (customer and customer.default_payment_method):
        return gettext("%(amount)s are charged that day. If you cancel before, nothing is charged.", amount=amount)
    if subscription.trial_end_behavior == "create_invoice":
        return gettext("You get an invoice over %(amount)s that day, unless you cancel before.", amount=amount)
    return gettext(
        "If you want to keep it, add a payment method until then: %(amount)s are charged that day. "
        "Without one nothing is charged.",
        amount=amount,
    )


def _given_back(subscription: Subscription) -> list[str]:
    row = db.session.scalars(
        select(Cancellation).where(
            Cancellation.subscription_id == subscription.id,
            Cancellation.state == "ended",
            Cancellation.refund_minor > 0,
        )
    ).first()
    if row is None or row.given_back_minor == 0:
        return []
    amount = money(row.given_back_minor, row.currency)
    return [gettext("We refund %(amount)s for the time that is left. Banks may take some days.", amount=amount)]


def _dates(subscription: Subscription) -> list[Fact]:
    if subscription.status == "trialing" and subscription.trial_end is not None:
        return [Fact(gettext("Trial ends on"), day(subscription.trial_end))]
    if subscription.current_period_end is None or subscription.amount_minor == 0:
        return []
    if subscription.cancel_at_period_end:
        return [Fact(gettext("Ends on"), day(subscription.current_period_end))]
    return [Fact(gettext("Renews on"), day(subscription.current_period_end))]
