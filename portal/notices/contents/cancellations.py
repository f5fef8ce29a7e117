"""What is said about leaving and staying."""

from uuid import UUID

from sqlalchemy import select

from portal.extensions import db
from portal.models import Cancellation, Notice, Subscription
from portal.notices.contents.subscriptions import because_of_billing, plan_name
from portal.notices.message import Button, Fact, Message, NotComposable, Overtaken
from portal.notices.words import address, day, gettext


def scheduled(notice: Notice) -> Message:
    """The subscription ends on a day: until when it can be used, what stays, how to take it back."""
    row, subscription = _rows(notice)
    if row.state != "scheduled" or row.ends_at is None:
        raise Overtaken(f"the cancellation is {row.state}")
    plan, until = plan_name(subscription), day(row.ends_at)
    title = gettext("Your %(plan)s plan ends on %(date)s", plan=plan, date=until)
    return Message(
        subject=title,
        title=title,
        paragraphs=(
            gettext("You can use %(plan)s until then, and nothing more is charged for it.", plan=plan),
            gettext("Until that day you can keep your plan with one click. Your invoices stay in the portal."),
        ),
        facts=(Fact(gettext("Plan"), plan), Fact(gettext("Ends on"), until)),
        button=Button(gettext("Open your subscription"), address("/")),
        why=because_of_billing(notice),
    )


def undone(notice: Notice) -> Message:
    """The cancellation was taken back: the plan goes on, and when it renews."""
    row, subscription = _rows(notice)
    if row.state != "undone" or not subscription.is_live:
        raise Overtaken(f"the cancellation is {row.state}, the subscription {subscription.status}")
    plan = plan_name(subscription)
    renews = subscription.trial_end if subscription.status == "trialing" else subscription.current_period_end
    title = gettext("Your %(plan)s plan goes on", plan=plan)
    return Message(
        subject=title,
        title=title,
        paragraphs=(gettext("The cancellation was taken back. The subscription renews as before."),),
        facts=(
            Fact(gettext("Plan"), plan),
            *([Fact(gettext("Renews on"), day(renews))] if renews else []),
        ),
        button=Button(gettext("Open your subscription"), address("/")),
        why=because_of_billing(notice),
        tone="good",
    )


def _rows(notice: Notice) -> tuple[Cancellation, Subscription]:
    found = db.session.execute(
        select(Cancellation, Subscription)
        .join(Subscription, Subscription.id == Cancellation.subscription_id)
        .where(Cancellation.id == UUID(notice.object_id))
    ).one_or_none()
    if found is None:
        raise NotComposable("there is no such cancellation")
    return found[0], found[1]
