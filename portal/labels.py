"""Words for codes: what a person reads where the database keeps ``past_due`` or ``api_calls``.

Texts that staff type into plans (names, features) are looked up in the catalogues too, so that the shipped
plans speak every language; a text that no catalogue knows is shown as it was typed.
"""

from portal.i18n import gettext, lazy_gettext

# kind is the colour and the shape that go with the word: calm, good, warn, bad.
SUBSCRIPTION_STATUSES = {
    "trialing": (lazy_gettext("Trial"), "calm"),
    "active": (lazy_gettext("Active"), "good"),
    "past_due": (lazy_gettext("Payment overdue"), "warn"),
    "unpaid": (lazy_gettext("Unpaid"), "bad"),
    "paused": (lazy_gettext("Paused"), "calm"),
    "incomplete": (lazy_gettext("Waiting for payment"), "warn"),
    "incomplete_expired": (lazy_gettext("Expired"), "idle"),
    "canceled": (lazy_gettext("Canceled"), "idle"),
}
INVOICE_STATUSES = {
    "draft": (lazy_gettext("Draft"), "idle"),
    "open": (lazy_gettext("Open"), "calm"),
    "paid": (lazy_gettext("Paid"), "good"),
    "void": (lazy_gettext("Void"), "idle"),
    "uncollectible": (lazy_gettext("Uncollectible"), "bad"),
}
PAYMENT_STATUSES = {
    "open": (lazy_gettext("Under way"), "calm"),
    "paid": (lazy_gettext("Paid"), "good"),
    "canceled": (lazy_gettext("Canceled"), "idle"),
    "failed": (lazy_gettext("Failed"), "bad"),
}
LIMITS = {
    "api_calls": lazy_gettext("API calls per month"),
    "storage_gb": lazy_gettext("Storage in GB"),
    "users": lazy_gettext("Users"),
}
ROLES = {
    "owner": lazy_gettext("Owner"),
    "billing": lazy_gettext("Billing"),
    "developer": lazy_gettext("Developer"),
    "viewer": lazy_gettext("Viewer"),
}
# The texts of the shipped plans, named here so that extraction finds them.
SHIPPED_PLAN_TEXTS = (
    lazy_gettext("Free"),
    lazy_gettext("Basic features"),
    lazy_gettext("All Free"),
    lazy_gettext("Email support"),
    lazy_gettext("All Starter"),
    lazy_gettext("Priority support"),
    lazy_gettext("All Professional"),
    lazy_gettext("24/7 support"),
)


def status_label(kind: str, status: str) -> tuple[str, str]:
    """The word and the tone of a status; ``kind`` is "subscription", "invoice" or "payment".

    A status that Stripe adds later is shown as its code rather than hidden.
    """
    table = {"subscription": SUBSCRIPTION_STATUSES, "invoice": INVOICE_STATUSES, "payment": PAYMENT_STATUSES}[kind]
    word, tone = table.get(status, (status.replace("_", " "), "idle"))
    return str(word), tone


def limit_label(code: str) -> str:
    """What a plan's limit is called: ``api_calls`` → "API calls per month"."""
    return str(LIMITS.get(code, code.replace("_", " ").capitalize()))


def role_label(role: str) -> str:
    """What a member's role is called."""
    return str(ROLES.get(role, role))


def stored_text(text: str) -> str:
    """A text kept in the database, translated when a catalogue knows it."""
    return gettext(text) if text else ""
