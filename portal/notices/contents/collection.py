"""What is said about payment methods and about what follows when an invoice stays unpaid."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from portal import business_time
from portal.extensions import db
from portal.labels import method_label
from portal.models import Invoice, MethodSetup, Notice, PaymentMethod, PolicySettings, Standing
from portal.notices.contents.subscriptions import because_of_billing
from portal.notices.message import Button, Fact, Message, NotComposable, Overtaken
from portal.notices.words import address, day, gettext, money, money_with_code


def method_added(notice: Notice) -> Message:
    """A payment method was saved. Whoever did not do that should know."""
    setup = db.session.scalars(select(MethodSetup).where(MethodSetup.id == UUID(notice.object_id))).one_or_none()
    if setup is None:
        raise NotComposable("there is no such setup")
    method = db.session.scalars(
        select(PaymentMethod).where(PaymentMethod.stripe_payment_method_id == setup.stripe_payment_method_id)
    ).first()
    title = gettext("A payment method was added")
    return _about_methods(notice, title, gettext("Nothing was charged when it was saved."), method)


def method_changed(notice: Notice) -> Message:
    """Which method is charged, comes second, or was removed. ``params.change``: "default", "backup", "removed"."""
    method = _method(notice)
    change = notice.params["change"]
    titles = {
        "default": gettext("Your default payment method was changed"),
        "backup": gettext("Your backup payment method was changed"),
        "removed": gettext("A payment method was removed"),
    }
    texts = {
        "default": gettext("It is charged for everything from now on."),
        "backup": gettext("It is charged once when a payment with the default one does not go through."),
        "removed": gettext("It will not be charged any more."),
    }
    return _about_methods(notice, titles[change], texts[change], method)


def card_expires(notice: Notice) -> Message:
    """A card that would be charged is about to end."""
    method = _method(notice)
    if method.detached_at is not None:
        raise Overtaken("the card was removed")
    if method.exp_year is None or method.exp_month is None:
        raise NotComposable("it never expires")
    now = business_time.now()
    if (method.exp_year, method.exp_month) < (now.year, now.month):
        raise Overtaken("it has expired already")
    title = gettext("Your card %(card)s expires soon", card=method_label(method))
    month = f"{method.exp_month:02}/{method.exp_year}"
    return Message(
        subject=title,
        title=title,
        paragraphs=(
            gettext("It can be charged until the end of %(month)s. After that, payments will fail.", month=month),
            gettext("Banks often replace the number by themselves. To be sure, add the new card in the portal."),
        ),
        facts=(Fact(gettext("Payment method"), method_label(method)), Fact(gettext("Valid until"), month)),
        button=Button(gettext("Open payment methods"), address("/payment-methods")),
        why=because_of_billing(notice),
        tone="warn",
    )


def standing_changed(notice: Notice) -> Message:
    """What an unpaid invoice has led to, or that it is over. ``params.state``: the standing that it is about."""
    row = db.session.scalars(select(Standing).where(Standing.id == UUID(notice.object_id))).one_or_none()
    if row is None:
        raise NotComposable("there is no such standing")
    state = notice.params["state"]
    if row.state != state:
        raise Overtaken(f"the standing is {row.state}")
    title, texts = _of_standing(state, row)
    is_good = state == "good"
    overdue = [] if is_good else _overdue()
    pay = f"/invoices/{overdue[0].id}/pay" if len(overdue) == 1 else "/invoices"
    return Message(
        subject=title,
        title=title,
        amount=_total(overdue),
        paragraphs=texts,
        facts=tuple(Fact(gettext("Invoice"), f"{each.number} · {_remaining(each)}") for each in overdue),
        button=Button(
            gettext("Open the portal") if is_good else gettext("Pay what is open"), address("/" if is_good else pay)
        ),
        why=because_of_billing(notice),
        tone="good" if is_good else "warn",
    )


def until_when() -> str:
    """Until when nothing changes for a tenant that is overdue, as a sentence; "" past that, or when nothing is."""
    row = db.session.scalars(select(Standing)).first()
    if row is None or row.state != "grace" or row.overdue_since is None:
        return ""
    restricted_at = row.overdue_since + timedelta(days=_policy().restricted_after_days)
    return gettext("Until %(date)s everything works as usual.", date=day(restricted_at))


def _overdue() -> Sequence[Invoice]:
    """The oldest first."""
    is_owed = Invoice.status == "open", Invoice.overdue_since.is_not(None), Invoice.amount_remaining_minor > 0
    return db.session.scalars(select(Invoice).where(*is_owed).order_by(Invoice.overdue_since, Invoice.id)).all()


def _remaining(invoice: Invoice) -> str:
    return money(invoice.amount_remaining_minor, invoice.currency)


def _total(overdue: Sequence[Invoice]) -> str:
    """What is open in all; "" when nothing is, or in several currencies."""
    if len({invoice.currency for invoice in overdue}) != 1:
        return ""
    return money_with_code(sum(invoice.amount_remaining_minor for invoice in overdue), overdue[0].currency)


def _of_standing(state: str, row: Standing) -> tuple[str, tuple[str, ...]]:
    pay = gettext("Pay what is open, and everything works again at once.")
    if state == "restricted":
        texts = [gettext("An invoice is overdue. What goes beyond your plan's limits is refused from now on.")]
        if row.overdue_since is not None:
            suspended_at = day(row.overdue_since + timedelta(days=_policy().suspended_after_days))
            texts.append(gettext("Without a payment your plan is suspended on %(date)s.", date=suspended_at))
        return gettext("Your plan is restricted"), (*texts, pay)
    if state == "suspended":
        text = gettext("An invoice is overdue. Your plan cannot be used until it is paid. Your data is kept.")
        return gettext("Your plan is suspended"), (text, pay)
    if state == "grace":
        return gettext("An invoice is overdue"), (until_when() or pay, pay)
    return gettext("Everything works again"), (gettext("Thank you. Nothing is overdue any more."),)


def _about_methods(notice: Notice, title: str, text: str, method: PaymentMethod | None) -> Message:
    return Message(
        subject=title,
        title=title,
        paragraphs=(text, gettext("If nobody of your organisation did this, please tell us.")),
        facts=(Fact(gettext("Payment method"), method_label(method)),) if method else (),
        button=Button(gettext("Open payment methods"), address("/payment-methods")),
        why=because_of_billing(notice),
    )


def _method(notice: Notice) -> PaymentMethod:
    found = db.session.scalars(select(PaymentMethod).where(PaymentMethod.id == UUID(notice.object_id))).one_or_none()
    if found is None:
        raise NotComposable("there is no such payment method")
    return found


def _policy() -> PolicySettings:
    return db.session.scalars(select(PolicySettings)).one()
