"""What a request for a Checkout session may say, by mode; what Stripe would refuse is refused here.

The items are checkout_items.py's affair, `subscription_data` checkout_plans.py's, discounts checkout_discounts.py's.
"""

from ..errors import InvalidRequest, NotModelled, modelled
from . import payment_methods
from .fields import new_metadata, web_address
from .payment_intent_body import types_for
from .work import Obj, Work

_KNOWN = {
    "adaptive_pricing", "after_expiration", "allow_promotion_codes", "allowed_payment_method_types",
    "automatic_tax", "billing_address_collection", "cancel_url", "client_reference_id", "consent_collection",
    "currency", "custom_fields", "custom_text", "customer", "customer_creation", "customer_email",
    "customer_update", "discounts", "excluded_payment_method_types", "expires_at", "integration_identifier",
    "invoice_creation", "line_items", "locale", "metadata", "mode", "origin_context", "payment_intent_data",
    "payment_method_collection", "payment_method_data", "payment_method_options", "phone_number_collection",
    "saved_payment_method_options", "setup_intent_data", "submit_type", "subscription_data", "success_url",
    "tax_id_collection", "ui_mode",
}  # fmt: skip
# Parameters that only some modes have.
_MODES = {
    "allow_promotion_codes": ("payment", "subscription"),
    "automatic_tax": ("payment", "subscription"),
    "customer_creation": ("payment", "setup"),
    "discounts": ("payment", "subscription"),
    "invoice_creation": ("payment",),
    "payment_intent_data": ("payment",),
    "payment_method_collection": ("subscription",),
    "setup_intent_data": ("setup",),
    "submit_type": ("payment", "subscription"),
}
_TOGETHER = (("customer", "customer_email"), ("customer", "customer_creation"))
_PAYMENT_INTENT = {
    "capture_method", "description", "metadata", "receipt_email", "setup_future_usage", "shipping",
    "statement_descriptor", "statement_descriptor_suffix",
}  # fmt: skip
_INVOICE = {"custom_fields", "description", "footer", "issuer", "metadata", "rendering_options"}
_SHORTEST, _LONGEST = 30 * 60, 24 * 3600


def check(work: Work, params: Obj) -> None:
    """InvalidRequest for what Stripe refuses; NotModelled for what it would accept and the sandbox cannot do."""
    modelled(params, _KNOWN, "Checkout sessions")
    if "mode" not in params:
        raise InvalidRequest("Missing required param: mode.", code="parameter_missing", param="mode")
    _check_modes(params)
    _check_modelled(params)
    if not params.get("success_url"):
        raise InvalidRequest("Missing required param: success_url.", code="parameter_missing", param="success_url")
    for name in ("success_url", "cancel_url"):
        if name in params:
            web_address(params[name], name)
    if len(params.get("client_reference_id", "")) > 200:
        raise InvalidRequest("client_reference_id has at most 200 characters.", param="client_reference_id")
    _check_payer(work, params)
    _check_taxes(work, params)
    _check_data(params)
    _check_expiry(work, params.get("expires_at"))


def method_types(params: Obj, currency: str | None) -> list[str]:
    """The session's `payment_method_types`: those asked for, or all that the account has and that fit.

    InvalidRequest when none is left, NotModelled for a type that is unknown.
    """
    allowed = params.get("allowed_payment_method_types")
    for kind in allowed or ():
        if kind not in payment_methods.TYPES:
            raise NotModelled(f"the payment method type {kind}", param="allowed_payment_method_types")
    excluded = params.get("excluded_payment_method_types")
    if currency is None:
        return [kind for kind in allowed or payment_methods.TYPES if kind not in (excluded or [])]
    return types_for(currency, allowed, excluded)


def _check_modes(params: Obj) -> None:
    mode = params["mode"]
    for name, modes in _MODES.items():
        if name in params and mode not in modes:
            raise InvalidRequest(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    if mode == "setup" and "currency" not in params and "allowed_payment_method_types" not in params:
        raise InvalidRequest(
            "Missing required param: currency. It is required in `setup` mode without payment method types.",
            code="parameter_missing",
            param="currency",
        )
    if params.get("submit_type") in ("book", "donate", "pay") and mode != "payment":
        raise InvalidRequest("This `submit_type` can only be used in `payment` mode.", param="submit_type")
    if params.get("submit_type") == "subscribe" and mode != "subscription":
        raise InvalidRequest("This `submit_type` can only be used in `subscription` mode.", param="submit_type")


def _check_modelled(params: Obj) -> None:
    if params.get("ui_mode", "hosted_page") != "hosted_page":
        raise NotModelled(f"ui_mode={params['ui_mode']}", param="ui_mode")
    if params.get("adaptive_pricing", {}).get("enabled"):
        raise NotModelled("paying in another currency than the session's", param="adaptive_pricing[enabled]")
    modelled(params.get("consent_collection", {}), {"terms_of_service"}, "consent_collection")
    secure = params.get("payment_method_options", {}).get("card", {}).get("request_three_d_secure", "automatic")
    if secure != "automatic":
        raise NotModelled(
            "asking for 3-D Secure whatever the card", param="payment_method_options[card][request_three_d_secure]"
        )
    modelled(params.get("payment_method_options", {}), set(payment_methods.TYPES), "payment_method_options")
    for kind, options in params.get("payment_method_options", {}).items():
        known = {"request_three_d_secure", "setup_future_usage"} if kind == "card" else {"setup_future_usage"}
        modelled(options, known, f"payment_method_options[{kind}]")


def _check_payer(work: Work, params: Obj) -> None:
    for first, second in _TOGETHER:
        if first in params and second in params:
            raise InvalidRequest(f"You may only specify one of these parameters: {first}, {second}.", param=second)
    if "customer" in params:
        work.edit("customer", params["customer"], param="customer")
        return
    if "customer_update" in params:
        raise InvalidRequest("`customer_update` can only be used with `customer`.", param="customer_update")
    saved = params.get("saved_payment_method_options", {})
    if saved.get("payment_method_remove") == "enabled":
        raise InvalidRequest(
            "`payment_method_remove` can only be used with `customer`.",
            param="saved_payment_method_options[payment_method_remove]",
        )


def _check_taxes(work: Work, params: Obj) -> None:
    updates = params.get("customer_update", {})
    if params.get("tax_id_collection", {}).get("enabled") and "customer" in params and updates.get("name") != "auto":
        raise InvalidRequest(
            "Tax ID collection requires updating business name on the customer. To enable tax ID collection for an "
            "existing customer, please set `customer_update[name]` to `auto`.",
            param="customer_update[name]",
        )
    if not params.get("automatic_tax", {}).get("enabled"):
        return
    if params["automatic_tax"].get("liability", {}).get("type", "self") != "self":
        raise NotModelled("connected accounts", param="automatic_tax[liability]")
    rates = [item.get("tax_rates") for item in params.get("line_items", [])]
    if any(rates) or params.get("subscription_data", {}).get("default_tax_rates"):
        raise InvalidRequest("You cannot use tax rates together with `automatic_tax`.", param="automatic_tax[enabled]")
    if "customer" not in params or updates.get("address") == "auto":
        return
    if not (work.read("customer", params["customer"])["address"] or {}).get("country"):
        raise InvalidRequest(
            "Automatic tax calculation in Checkout requires a valid address on the Customer. Add a valid address to "
            "the Customer or set `customer_update[address]` to 'auto' to save the address entered in Checkout.",
            code="customer_tax_location_invalid",
            param="automatic_tax",
        )


def _check_data(params: Obj) -> None:
    intent = params.get("payment_intent_data", {})
    modelled(intent, _PAYMENT_INTENT, "payment_intent_data")
    new_metadata(intent.get("metadata"))
    modelled(params.get("setup_intent_data", {}), {"description", "metadata"}, "setup_intent_data")
    invoice = params.get("invoice_creation", {}).get("invoice_data", {})
    modelled(invoice, _INVOICE, "invoice_creation[invoice_data]")
    new_metadata(invoice.get("metadata"))
    if invoice.get("issuer", {}).get("type", "self") != "self":
        raise NotModelled("connected accounts", param="invoice_creation[invoice_data][issuer]")
    if params.get("invoice_creation", {}).get("enabled") and intent.get("capture_method") == "manual":
        raise InvalidRequest(
            "`invoice_creation` cannot be used with manual capture.", param="payment_intent_data[capture_method]"
        )
    recovery = params.get("after_expiration", {}).get("recovery", {})
    if recovery.get("allow_promotion_codes") and not recovery.get("enabled"):
        raise InvalidRequest(
            "`allow_promotion_codes` needs `enabled`.", param="after_expiration[recovery][allow_promotion_codes]"
        )


def _check_expiry(work: Work, expires_at: int | None) -> None:
    if expires_at is None:
        return
    # A few seconds of grace, as the request needs time to arrive.
    if expires_at < work.now + _SHORTEST - 10:
        raise InvalidRequest(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > work.now + _LONGEST + 10:
        raise InvalidRequest(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )
