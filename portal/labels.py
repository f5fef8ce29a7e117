"""Words for codes: what a person reads where the database keeps ``past_due`` or ``api_calls``.

Texts that staff type into plans (names, features) are looked up in the catalogues too, so that the shipped
plans speak every language; a text that no catalogue knows is shown as it was typed.
"""

from decimal import Decimal

from markupsafe import Markup

from portal import formats, money_labels
from portal.i18n import gettext, lazy_gettext, ngettext, viewer
from portal.models import PaymentMethod, Resource
from portal.pricing.discounts import Terms

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
COLLECTION_STATES = {
    "started": (lazy_gettext("Under way"), "calm"),
    "processing": (lazy_gettext("On its way"), "calm"),
    "action_required": (lazy_gettext("Waits for you"), "warn"),
    "paid": (lazy_gettext("Paid"), "good"),
    "declined": (lazy_gettext("Declined"), "bad"),
    "refused": (lazy_gettext("Not possible"), "bad"),
}
# Names that are the same in every language, and those that are not.
METHOD_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "amex": "American Express",
    "american_express": "American Express",
    "discover": "Discover",
    "diners": "Diners Club",
    "diners_club": "Diners Club",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "cartes_bancaires": "Cartes Bancaires",
}
METHOD_TYPES = {
    "card": lazy_gettext("Card"),
    "sepa_debit": lazy_gettext("SEPA direct debit"),
    "us_bank_account": lazy_gettext("US bank account"),
    "paypal": "PayPal",
    "link": "Link",
    "amazon_pay": "Amazon Pay",
    "cashapp": "Cash App Pay",
    "revolut_pay": "Revolut Pay",
    "bacs_debit": "Bacs Direct Debit",
    "boleto": "Boleto",
    "customer_balance": lazy_gettext("Bank transfer"),
}
# What is limited, and how an included quantity of it is said.
LIMITS = {
    "api_calls": (lazy_gettext("API calls per month"), lazy_gettext("%(quantity)s API calls per month")),
    "storage_gb": (lazy_gettext("Storage (GB)"), lazy_gettext("%(quantity)s GB of storage")),
    "users": (lazy_gettext("Users"), lazy_gettext("%(quantity)s users")),
}
SHOWN_UNITS = ("GB", "MB", "TB", "h", "%")
ROLES = {
    "owner": lazy_gettext("Owner"),
    "billing": lazy_gettext("Billing"),
    "developer": lazy_gettext("Developer"),
    "viewer": lazy_gettext("Viewer"),
}
# The texts of the shipped plans, named here so that extraction finds them.
SHIPPED_PLAN_TEXTS = (
    lazy_gettext("Free"),
    lazy_gettext("Try it with your team."),
    lazy_gettext("For small teams that have customers."),
    lazy_gettext("For teams that depend on it."),
    lazy_gettext("For organisations with many teams."),
    lazy_gettext("Basic features"),
    lazy_gettext("All Free"),
    lazy_gettext("Email support"),
    lazy_gettext("All Starter"),
    lazy_gettext("Priority support"),
    lazy_gettext("All Professional"),
    lazy_gettext("24/7 support"),
)


def status_label(kind: str, status: str) -> tuple[str, str]:
    """The word and the tone of a status; ``kind`` is "subscription", "invoice", "payment" or "collection".

    A status that Stripe adds later is shown as its code rather than hidden.
    """
    table = {
        "subscription": SUBSCRIPTION_STATUSES,
        "invoice": INVOICE_STATUSES,
        "payment": PAYMENT_STATUSES,
        **money_labels.STATUSES,
        "collection": COLLECTION_STATES,
    }[kind]
    word, tone = table.get(status, (status.replace("_", " "), "idle"))
    return str(word), tone


def limit_label(code: str) -> str:
    """What a plan's limit is called: ``api_calls`` → "API calls per month"."""
    return str(LIMITS[code][0]) if code in LIMITS else code.replace("_", " ").capitalize()


def limit_phrase(code: str, quantity: int | Decimal) -> Markup:
    """An included quantity in words, its number in bold: "**10,000** API calls per month"."""
    number = Markup("<strong>{}</strong>").format(formats.number(quantity, viewer().format_locale))
    if code in LIMITS:
        return Markup.escape(str(LIMITS[code][1])) % {"quantity": number}
    return Markup("{} {}").format(number, limit_label(code))


def resource_name(resource: Resource) -> str:
    """What staff call a resource in the reader's language, else in English, else its code."""
    return resource.name_in(viewer().language)


def quantity(amount: Decimal, resource: Resource) -> str:
    """A quantity with its unit: "12.5 GB"; units that only repeat what is counted are left out."""
    said = formats.number(amount, viewer().format_locale)
    return f"{said}\u00a0{resource.unit}" if resource.unit in SHOWN_UNITS else said


def method_name(kind: str, brand: str = "") -> str:
    """What a payment method is called, without its digits: "Visa", "SEPA direct debit"."""
    if brand:
        return METHOD_BRANDS.get(brand, brand.replace("_", " ").title())
    return str(METHOD_TYPES.get(kind, kind.replace("_", " ").title()))


def method_label(method: PaymentMethod) -> str:
    """A payment method as a person recognises it: "Visa •••• 4242", "PayPal ada@example.com"."""
    name = method_name(method.type, method.brand)
    detail = f"•••• {method.last4}" if method.last4 else method.account_email
    return f"{name} {detail}".strip()


def role_label(role: str) -> str:
    """What a member's role is called."""
    return str(ROLES.get(role, role))


def stored_text(text: str) -> str:
    """A text kept in the database, translated when a catalogue knows it."""
    return gettext(text) if text else ""


def coupon_value(terms: Terms, currency: str) -> str:
    """What a coupon takes off: "20%" or "$5.00"."""
    if terms.percent_off is not None:
        return formats.percent(terms.percent_off.normalize(), viewer().format_locale)
    return formats.money(terms.amounts_off.get(currency, 0), currency, viewer().format_locale)


def coupon_phrase(terms: Terms, currency: str, *, is_first: bool = False) -> str:
    """What a coupon does, in words; ``is_first``: at a purchase, where the next invoice is the first one."""
    value = coupon_value(terms, currency)
    if terms.duration == "forever":
        return str(gettext("%(value)s off every invoice", value=value))
    if terms.duration == "repeating" and terms.months:
        months = terms.months
        said = ngettext("%(value)s off for %(num)s month", "%(value)s off for %(num)s months", months, value=value)
        return str(said)
    if is_first:
        return str(gettext("%(value)s off your first invoice", value=value))
    return str(gettext("%(value)s off your next invoice", value=value))


def coupon_terms(terms: Terms, currency: str) -> str:
    """What a coupon does, to whoever looks after coupons."""
    if terms.duration == "once":
        return str(gettext("%(value)s off one invoice", value=coupon_value(terms, currency)))
    return coupon_phrase(terms, currency)
