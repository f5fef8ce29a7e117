"""The body of a new Checkout session: every key that the contract requires, by mode.

What the session does not show but needs later is in its compartment `_`: the items, the discount, what becomes
of the subscription, payment or card, and the payer's tries.
"""

from . import checkout_fields
from .fields import absent, cleared, new_metadata
from .work import Obj, Work, copied


def session_body(work: Work, params: Obj, items: list[Obj], currency: str | None) -> Obj:
    """The open session of these parameters, its amounts still 0 (minor units); None in setup mode."""
    session_id, mode = work.new_id("cs"), params["mode"]
    amount = None if mode == "setup" else 0
    return {
        "id": session_id,
        "object": "checkout.session",
        **_unused(),
        **_paying(params),
        **_payer(work, params),
        **_page(work, params, session_id),
        "amount_subtotal": amount,
        "amount_total": amount,
        "automatic_tax": _automatic_tax(params),
        "client_reference_id": params.get("client_reference_id"),
        "created": work.now,
        "currency": currency,
        "expires_at": params.get("expires_at", work.now + 24 * 3600),
        "integration_identifier": params.get("integration_identifier"),
        "invoice_creation": _invoice_creation(params),
        "livemode": False,
        "metadata": new_metadata(params.get("metadata")),
        "mode": mode,
        "payment_status": "no_payment_required" if mode == "setup" else "unpaid",
        "status": "open",
        "total_details": None if mode == "setup" else {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "_": _aside(params, items),
    }


def _aside(params: Obj, items: list[Obj]) -> Obj:
    """What the session does not show."""
    return {
        "items": items,
        "default_tax_rates": [],
        "discount": None,
        "breakdown": {"discounts": [], "taxes": []},
        "customer_update": copied(params.get("customer_update", {})),
        "payment_intent_data": copied(params.get("payment_intent_data", {})),
        "payment_method_data": copied(params.get("payment_method_data", {})),
        "setup_intent_data": copied(params.get("setup_intent_data", {})),
        "subscription_data": {},
        "intent": None,
        "method": None,
        "payer": None,
    }


def _unused() -> Obj:
    """Required keys of what the sandbox does not have: present, and null or empty."""
    return {
        **absent(
            "client_secret", "collected_information", "consent", "currency_conversion", "customer_account",
            "invoice", "managed_payments", "payment_intent", "payment_link",
            "payment_method_configuration_details", "permissions", "recovered_from", "setup_intent",
            "shipping_address_collection", "shipping_cost", "subscription", "wallet_options",
        ),
        "adaptive_pricing": {"enabled": False},
        "discounts": [],
        "shipping_options": [],
    }  # fmt: skip


def _paying(params: Obj) -> Obj:
    mode = params["mode"]
    # What Stripe answers in each mode when nothing is said; for setup mode assumed.
    collects = {"subscription": "always", "payment": "if_required", "setup": "always"}[mode]
    creates = {"subscription": "always", "payment": "if_required", "setup": "if_required"}[mode]
    return {
        "after_expiration": _after_expiration(params),
        "allow_promotion_codes": params.get("allow_promotion_codes"),
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "customer_creation": None if "customer" in params else params.get("customer_creation", creates),
        "excluded_payment_method_types": params.get("excluded_payment_method_types", []),
        "payment_method_collection": params.get("payment_method_collection", collects),
        "payment_method_options": _method_options(params),
        "saved_payment_method_options": _saved_methods(params),
    }


def _payer(work: Work, params: Obj) -> Obj:
    tax_id = params.get("tax_id_collection", {})
    return {
        "billing_address_collection": params.get("billing_address_collection"),
        "customer": params.get("customer"),
        "customer_details": _known_payer(work, params),
        "customer_email": params.get("customer_email"),
        "phone_number_collection": {"enabled": _enabled(params, "phone_number_collection")},
        "tax_id_collection": {"enabled": tax_id.get("enabled", False), "required": tax_id.get("required", "never")},
    }


def _page(work: Work, params: Obj, session_id: str) -> Obj:
    return {
        "cancel_url": params.get("cancel_url"),
        "consent_collection": _consents(params),
        "custom_fields": checkout_fields.custom_fields(params.get("custom_fields")),
        "custom_text": _custom_text(params),
        "locale": params.get("locale"),
        "origin_context": params.get("origin_context"),
        "submit_type": params.get("submit_type"),
        "success_url": params["success_url"],
        "ui_mode": "hosted_page",
        "url": f"{work.public_url}/c/pay/{session_id}",
    }


def _after_expiration(params: Obj) -> Obj | None:
    given = params.get("after_expiration", {}).get("recovery")
    if given is None:
        return None
    allows = given.get("allow_promotion_codes", False)
    # Its address is made when the session expires.
    return {"recovery": {"allow_promotion_codes": allows, "enabled": given["enabled"], "expires_at": None, "url": None}}


def _automatic_tax(params: Obj) -> Obj:
    """Complete once it is known where the payer is; what it comes to is checkout_totals.py's."""
    enabled = _enabled(params, "automatic_tax")
    return {
        "enabled": enabled,
        "liability": {"type": "self"} if enabled else None,
        "provider": "stripe" if enabled else None,
        "status": None if not enabled else "complete" if "customer" in params else "requires_location_inputs",
    }


def _invoice_creation(params: Obj) -> Obj | None:
    if params["mode"] != "payment":
        return None
    given = params.get("invoice_creation", {})
    data = given.get("invoice_data", {})
    options = data.get("rendering_options") or {}
    names = ("amount_tax_display", "template")
    return {
        "enabled": given.get("enabled", False),
        "invoice_data": {
            "account_tax_ids": None,
            "custom_fields": copied(data.get("custom_fields")) or None,
            "description": data.get("description"),
            "footer": data.get("footer"),
            "issuer": copied(data.get("issuer")),
            "metadata": new_metadata(data.get("metadata")),
            "rendering_options": {name: cleared(options.get(name)) for name in names} if options else None,
        },
    }


def _method_options(params: Obj) -> Obj:
    given = copied(params.get("payment_method_options", {}))
    if "paypal" in given:
        given["paypal"] = {"preferred_locale": None, "reference": None, **given["paypal"]}
    return {**given, "card": {"request_three_d_secure": "automatic", **given.get("card", {})}}


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


def _consents(params: Obj) -> Obj | None:
    given = params.get("consent_collection")
    if given is None:
        return None
    return {
        "payment_method_reuse_agreement": None,
        "promotions": "none",
        "terms_of_service": given.get("terms_of_service", "none"),
    }


def _custom_text(params: Obj) -> Obj:
    given = params.get("custom_text", {})
    names = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    return {name: copied(given.get(name)) or None for name in names}


def _enabled(params: Obj, name: str) -> bool:
    return bool(params.get(name, {}).get("enabled", False))


def _known_payer(work: Work, params: Obj) -> Obj | None:
    """What is known of the payer before paying."""
    known: Obj = {"email": params.get("customer_email"), "name": None, "phone": None, "tax_exempt": "none"}
    if "customer" in params:
        known = work.read("customer", params["customer"])
    elif "customer_email" not in params:
        return None
    return {
        "address": None,
        "business_name": known.get("business_name"),
        "individual_name": known.get("individual_name"),
        "tax_ids": None,
        **{name: known[name] for name in ("email", "name", "phone", "tax_exempt")},
    }
