"""What payment and setup intents want of the payment method that a request names."""

from collections.abc import Iterable

from ..errors import InvalidRequest, modelled
from . import mandates, payment_methods
from .work import Obj, Work, copied

# Per type, what of payment_method_options is modelled.
_OPTIONS = {
    "card": {"capture_method", "request_three_d_secure", "setup_future_usage"},
    "us_bank_account": {"setup_future_usage", "verification_method"},
    "sepa_debit": {"setup_future_usage"},
    "paypal": {"capture_method", "preferred_locale", "reference", "setup_future_usage"},
}
_REDIRECTED = (
    "This {name} is configured to accept payment methods enabled in your Dashboard. Because some of these payment "
    "methods might redirect your customer off of your page, you must provide a `return_url`. If you don't want to "
    "accept redirect-based payment methods, set `automatic_payment_methods[enabled]` to `true` and "
    "`automatic_payment_methods[allow_redirects]` to `never` when creating Setup Intents and Payment Intents."
)


def given(work: Work, params: Obj, customer: str | None, intent: Obj | None = None) -> Obj | None:
    """The method of `payment_method` or `payment_method_data`, or None; it belongs to the customer or to nobody.

    InvalidRequest otherwise; it carries the intent, when there is one already.
    """
    if "payment_method_data" in params:
        return payment_methods.create(work, params["payment_method_data"])
    if not params.get("payment_method"):
        return None
    method = payment_methods.usable(work, params["payment_method"], param="payment_method")
    owner, method_id = method["customer"], method["id"]
    if owner is None or owner == customer:
        return method
    name = "SetupIntent" if intent and intent["object"] == "setup_intent" else "PaymentIntent"
    if customer is None:
        message = (
            f"The payment method supplied ({method_id}) belongs to the Customer {owner}. Please include the Customer "
            f"in the `customer` parameter on the {name}."
        )
    else:
        message = (
            f"The PaymentMethod {method_id} does not belong to the Customer you supplied {customer}. Please use this "
            "PaymentMethod with the Customer that it belongs to instead."
        )
    raise InvalidRequest(message, param="payment_method", **({intent["object"]: copied(intent)} if intent else {}))


def check(intent: Obj, method: Obj, *, off_session: bool) -> None:
    """InvalidRequest when the intent does not take the method's type, or a page that it may need leads nowhere."""
    name = "SetupIntent" if intent["object"] == "setup_intent" else "PaymentIntent"
    if method["type"] not in intent["payment_method_types"]:
        raise InvalidRequest(
            f"The {name} requires a payment method of type {', '.join(intent['payment_method_types'])}, but the one "
            f"supplied is a {method['type']}.",
            code=f"{intent['object']}_incompatible_payment_method",
            param="payment_method",
        )
    leads_back = intent.get("_", {}).get("return_url") is not None
    redirects = method["type"] in payment_methods.REDIRECTS
    if off_session or leads_back:
        return
    automatic = intent["automatic_payment_methods"]
    offers_redirects = payment_methods.REDIRECTS & set(intent["payment_method_types"])
    if automatic is not None and offers_redirects:
        raise InvalidRequest(_REDIRECTED.format(name=name), param="return_url")
    if redirects:
        raise InvalidRequest(
            f"A `return_url` must be specified because this {name} redirects its customer.",
            code="parameter_missing",
            param="return_url",
        )


def take_mandate(work: Work, intent: Obj, method: Obj, params: Obj) -> None:
    """Notes on a payment intent which mandate allows a debit: one that is named, given now or known.

    InvalidRequest (payment_intent_mandate_invalid) when there is none.
    """
    if method["type"] not in payment_methods.DELAYED:
        return
    data = params.get("mandate_data") or {}
    if "mandate" in params:
        found = work.read(mandates.KIND, params["mandate"], param="mandate")
        if found["payment_method"] != method["id"] or found["status"] != "active":
            raise InvalidRequest(
                "The mandate does not allow this payment.", code="payment_intent_mandate_invalid", param="mandate"
            )
        mandate = found
    elif data:
        once = None if intent["setup_future_usage"] else (intent["amount"], intent["currency"])
        mandate = mandates.create(work, method, data["customer_acceptance"], once=once)
    else:
        known = mandates.of_method(work, method["id"])
        if known is None:
            raise InvalidRequest(
                "This PaymentIntent requires a mandate, but no existing mandate was found. Collect mandate acceptance "
                "from the customer and try again, providing acceptance data in the mandate_data parameter.",
                code="payment_intent_mandate_invalid",
            )
        mandate = known
    intent.setdefault("_", {})["mandate"] = mandate["id"]


def set_options(options: Obj, given_options: Obj, types: Iterable[str]) -> None:
    """Puts wishes into `payment_method_options`; those for types that the intent does not take are left out."""
    for kind, wishes in given_options.items():
        if kind not in types:
            continue
        for name, value in (wishes or {}).items():
            if value is None or value == "":
                if name in ("capture_method", "setup_future_usage"):
                    options[kind].pop(name, None)
                continue
            modelled({name: value}, _OPTIONS[kind], f"payment_method_options[{kind}]")
            options[kind][name] = value
