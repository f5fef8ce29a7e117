"""What is said about changes of plan."""

from uuid import UUID

from sqlalchemy import select

from portal.extensions import db
from portal.labels import stored_text
from portal.models import Notice, Plan, PlanChange, PlanPrice, Subscription
from portal.notices.contents.subscriptions import because_of_billing
from portal.notices.message import Button, Fact, Message, NotComposable, Overtaken
from portal.notices.words import address, day, gettext, moment, money, money_with_code


def changed(notice: Notice) -> Message:
    """The subscription is of another plan, interval or quantity now, whoever changed it."""
    subscription = db.session.scalars(
        select(Subscription).where(Subscription.id == UUID(notice.object_id))
    ).one_or_none()
    if subscription is None:
        raise NotComposable("there is no such subscription")
    if not subscription.is_live or subscription.plan_id != notice.params["plan_id"]:
        raise Overtaken("the subscription has gone on since")
    plan = _name(subscription.plan_id)
    title = gettext("Your plan is %(plan)s now", plan=plan)
    before = _name(notice.params["from_plan_id"])
    renews = subscription.current_period_end
    return Message(
        subject=title,
        title=title,
        paragraphs=(gettext("The change of your subscription has taken place. What was billed for it is an invoice."),),
        facts=(
            *([Fact(gettext("Plan before"), before)] if before != plan else []),
            Fact(gettext("Plan"), plan),
            Fact(gettext("Price"), _price(subscription.amount_minor, subscription.currency, subscription.interval)),
            *([Fact(gettext("Renews on"), day(renews))] if renews and subscription.amount_minor else []),
        ),
        button=Button(gettext("Open your subscription"), address("/")),
        why=because_of_billing(notice),
        tone="good",
    )


def scheduled(notice: Notice) -> Message:
    """A change comes at the end of the period, and can be taken back until then."""
    change = _change(notice, "scheduled")
    plan, date = _name(change.plan_id), day(change.effective_at)
    title = gettext("Your plan changes on %(date)s", date=date)
    return Message(
        subject=title,
        title=title,
        paragraphs=(
            gettext("Until then everything stays as it is, and nothing is charged for the change."),
            gettext("You can take it back in the portal until that day."),
        ),
        facts=_facts(change, plan, gettext("Changes on"), date),
        button=Button(gettext("See the change"), address(f"/plan-changes/{change.id}")),
        why=because_of_billing(notice),
    )


def waits_for_payment(notice: Notice) -> Message:
    """The payment did not go through at once: the former plan stays until it does."""
    change = _change(notice, "awaiting_payment")
    plan = _name(change.plan_id)
    until = moment(change.pay_until) if change.pay_until else ""
    return Message(
        subject=gettext("Your change to %(plan)s waits for its payment", plan=plan),
        title=gettext("Your change waits for its payment"),
        amount=money_with_code(change.due_minor, change.currency),
        paragraphs=(
            gettext("Your bank wants you to confirm the payment, or declined it. Your present plan stays in force."),
            gettext("You can pay in the portal until %(time)s. After that the change is dropped.", time=until),
        ),
        facts=_facts(change, plan, gettext("Pay until"), until),
        button=Button(gettext("Pay for the change"), address(f"/plan-changes/{change.id}")),
        why=because_of_billing(notice),
        tone="warn",
    )


def ended(notice: Notice) -> Message:
    """A change that was confirmed does not come."""
    change = _change(notice, "canceled", "expired")
    plan, kept = _name(change.plan_id), _name(change.from_plan_id)
    title = gettext("Your change to %(plan)s was dropped", plan=plan)
    lapsed = change.state == "expired"
    why = gettext("It was not paid in time.") if lapsed else gettext("It was taken back.")
    return Message(
        subject=title,
        title=title,
        paragraphs=(why, gettext("Nothing was charged, and your subscription goes on as it is.")),
        facts=(Fact(gettext("Plan"), kept),),
        button=Button(gettext("Open your subscription"), address("/")),
        why=because_of_billing(notice),
    )


def _change(notice: Notice, *states: str) -> PlanChange:
    found = db.session.scalars(select(PlanChange).where(PlanChange.id == UUID(notice.object_id))).one_or_none()
    if found is None:
        raise NotComposable("there is no such change of plan")
    if found.state not in states:
        raise Overtaken(f"the change is {found.state}")
    return found


def _name(plan_id: str) -> str:
    return stored_text(db.session.get_one(Plan, plan_id).name)


def _facts(change: PlanChange, plan: str, label: str, value: str) -> tuple[Fact, ...]:
    price = db.session.get_one(PlanPrice, change.plan_price_id)
    amount = price.unit_amount_minor * change.quantity
    return (
        Fact(gettext("Plan before"), _name(change.from_plan_id)),
        Fact(gettext("New plan"), plan),
        Fact(gettext("Price"), _price(amount, change.currency, price.interval)),
        Fact(label, value),
    )


def _price(amount_minor: int, currency: str, interval: str) -> str:
    if amount_minor == 0:
        return gettext("Free of charge")
    amount = money(amount_minor, currency)
    if interval == "year":
        return gettext("%(amount)s per year", amount=amount)
    return gettext("%(amount)s per month", amount=amount)
