"""What is said to the platform's own people about money that went wrong."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from portal import money_labels
from portal.notices.message import Button, Fact, Message
from portal.notices.words import address, day, gettext, money_with_code

Facts = Mapping[str, Any]


def compose(kind: str, facts: Facts, tenant_id: str) -> Message:
    """The message of an alert. Raises KeyError for an unknown kind."""
    return KINDS[kind](facts, tenant_id)


def _refund_failed(facts: Facts, tenant_id: str) -> Message:
    title = gettext("A refund did not arrive")
    return Message(
        subject=gettext("A refund of invoice %(number)s did not arrive", number=facts["number"]),
        title=title,
        amount=money_with_code(facts["amount_minor"], facts["currency"]),
        paragraphs=(
            gettext("The bank sent the money back, so the customer does not have it."),
            gettext("Find another way to pay it back, such as a credit on the account or a bank transfer."),
        ),
        facts=(
            Fact(gettext("Invoice"), facts["number"]),
            Fact(gettext("Reason"), money_labels.refund_failure(facts["reason"])),
        ),
        button=_open(facts, tenant_id),
        why=_why(),
        tone="warn",
    )


def _dispute_opened(facts: Facts, tenant_id: str) -> Message:
    due = facts.get("due_by")
    return Message(
        subject=gettext("A payment of invoice %(number)s is disputed", number=facts["number"]),
        title=gettext("A payment is disputed"),
        amount=money_with_code(facts["amount_minor"], facts["currency"]),
        paragraphs=(
            gettext("The payer asked their bank to take this payment back."),
            gettext("Answer with evidence at Stripe before the deadline, or it is lost."),
        ),
        facts=(
            Fact(gettext("Invoice"), facts["number"]),
            Fact(gettext("Reason"), money_labels.dispute_reason(facts["reason"])),
            *([Fact(gettext("Answer until"), day(datetime.fromtimestamp(due, UTC)))] if due else []),
        ),
        button=_open(facts, tenant_id),
        why=_why(),
        tone="warn",
    )


def _dispute_closed(facts: Facts, tenant_id: str) -> Message:
    lost = facts["status"] == "lost"
    title = gettext("A dispute was lost") if lost else gettext("A dispute is over: the money stays")
    return Message(
        subject=gettext("The dispute of invoice %(number)s is over", number=facts["number"]),
        title=title,
        amount=money_with_code(facts["amount_minor"], facts["currency"]),
        paragraphs=(
            gettext("The bank keeps what it took back.") if lost else gettext("What was withheld is paid out again."),
        ),
        facts=(Fact(gettext("Invoice"), facts["number"]),),
        button=_open(facts, tenant_id),
        why=_why(),
        tone="warn" if lost else "good",
    )


def _second_person(facts: Facts, _tenant_id: str) -> Message:
    return Message(
        subject=gettext("An adjustment waits for a second person"),
        title=gettext("An adjustment waits for you"),
        amount=money_with_code(facts["amount_minor"], facts["currency"]),
        paragraphs=(gettext("It is above the amount that one person may decide alone."),),
        facts=(
            Fact(gettext("What"), money_labels.adjustment_kind(facts["adjustment"])),
            Fact(gettext("Reason"), facts["reason"]),
        ),
        button=Button(gettext("Open the adjustment"), address("/staff/adjustments")),
        why=_why(),
    )


def _open(facts: Facts, tenant_id: str) -> Button:
    path = f"/staff/tenants/{tenant_id}/invoices/{facts['invoice_id']}"
    return Button(gettext("Open the invoice"), address(path))


def _why() -> str:
    return gettext("You receive this mail because you look after the platform's money.")


KINDS: Mapping[str, Callable[[Facts, str], Message]] = {
    "refund_failed": _refund_failed,
    "dispute_opened": _dispute_opened,
    "dispute_closed": _dispute_closed,
    "second_person": _second_person,
}
