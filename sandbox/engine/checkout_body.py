"""The body of a new Checkout session: every key that the contract requires."""

from .fields import absent, new_metadata
from .work import Obj, Work, copied


def session_body(work: Work, params: Obj, totals: Obj) -> Obj:
    """The session of these parameters; `totals`: currency and what is due today in minor units."""
    session_id = work.new_id("cs")
    due = totals["due"]
    return {
        **_unused(),
        "id": session_id,
        "object": "checkout.session",
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "amount_subtotal": due,
        "amount_total": due,
        "automatic_tax": _automatic_tax(params),
        "billing_address_collection": params.get("billing_address_collection"),
        "cancel_url": params.get("cancel_url"),
        "client_reference_id": params.get("client_reference_id"),
        "created": work.now,
        "currency": totals["currency"],
        "custom_text": _custom_text(params),
        "customer": params.get("customer"),
        "customer_creation": None if "customer" in params else "always",
        "customer_details": _known_payer(work, params),
        "customer_email": params.get("customer_email"),
        "expires_at": params.get("expires_at", work.now + 24 * 3600),
        "integration_identifier": params.get("integration_identifier"),
        "locale": params.get("locale"),
        "metadata": new_metadata(params.get("metadata")),
        "mode": params["mode"],
        "origin_context": params.get("origin_context"),
        "payment_method_collection": params.get("payment_method_collection", "always"),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "payment_status": "unpaid",
        "phone_number_collection": {"enabled": _enabled(params, "phone_number_collection")},
        "saved_payment_method_options": _saved_methods(params),
        "status": "open",
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{work.public_url}/c/pay/{session_id}",
    }


def _unused() -> Obj:
    """Required keys of what the sandbox does not have yet: present, and null or empty."""
    return {
        **absent(
            "after_expiration", "allow_promotion_codes", "client_secret", "collected_information",
            "consent", "consent_collection", "currency_conversion", "customer_account", "invoice",
            "invoice_creation", "managed_payments", "payment_intent", "payment_link",
            "payment_method_configuration_details", "permissions", "recovered_from", "setup_intent",
            "shipping_address_collection", "shipping_cost", "subscription", "wallet_options",
        ),
        "adaptive_pricing": {"enabled": False},
        "custom_fields": [],
        "discounts": [],
        "livemode": False,
        "shipping_options": [],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    }  # fmt: skip


def _automatic_tax(params: Obj) -> Obj:
    """Accepted and always 0: the sandbox knows no tax rates yet."""
    enabled = _enabled(params, "automatic_tax")
    return {
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": "complete" if enabled else None,
    }


def _enabled(params: Obj, name: str) -> bool:
    return bool(params.get(name, {}).get("enabled", False))


def _custom_text(params: Obj) -> Obj:
    given = params.get("custom_text", {})
    names = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    return {name: copied(given.get(name)) or None for name in names}


def _saved_methods(params: Obj) -> Obj | None:
    given = params.get("saved_payment_method_options")
    if "customer" not in params and given is None:
        return None
    return {
        "allow_redisplay_filters": ["always"],
        "payment_method_remove": "disabled",
        "payment_method_save": None,
        **(given or {}),
    }


def _known_payer(work: Work, params: Obj) -> Obj | None:
    """What is known of the payer before paying."""
    if "customer" in params:
        customer = work.read("customer", params["customer"])
        email, name, phone = customer["email"], customer["name"], customer["phone"]
        exempt = customer["tax_exempt"]
    elif "customer_email" in params:
        email, name, phone, exempt = params["customer_email"], None, None, "none"
    else:
        return None
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": phone,
        "tax_exempt": exempt,
        "tax_ids": None,
    }
