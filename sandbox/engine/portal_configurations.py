"""Configurations of the billing portal: what its pages let customers do.

The default one is made when a session first needs it, as if somebody had saved the portal's settings in the
Dashboard of the account: details, invoices, payment methods and cancelling at the end of the period are switched
on. Defaults of single features are assumed.
"""

from collections.abc import Iterator
from typing import Any

from ..errors import InvalidRequest, NotModelled, modelled
from .fields import absent, cleared, merged_metadata, new_metadata, web_address, where
from .work import Obj, Work, copied

KIND = "billing_portal.configuration"
_KNOWN = {"business_profile", "default_return_url", "features", "login_page", "metadata", "name"}
_MOST_PRODUCTS = 10
_REASONS = ["too_expensive", "missing_features", "switched_service", "unused", "other"]
# What a feature is without a wish, and what of it is modelled.
_FEATURES: Obj = {
    "customer_update": {"allowed_updates": [], "enabled": False},
    "invoice_history": {"enabled": False},
    "payment_method_update": {"enabled": False, "payment_method_configuration": None},
    "subscription_cancel": {
        "cancellation_reason": {"enabled": False, "feedback_options": None, "options": _REASONS},
        "enabled": False,
        "mode": "at_period_end",
        "proration_behavior": "none",
    },
    "subscription_pause": {"duration": {"interval_options": [], "type": "indefinite"}, "enabled": False},
    "subscription_update": {
        "billing_cycle_anchor": None,
        "default_allowed_updates": [],
        "enabled": False,
        "products": None,
        "proration_behavior": "none",
        "schedule_at_period_end": {"conditions": []},
        "trial_update_behavior": "end_trial",
    },
}


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/billing_portal/configurations. Emits billing_portal.configuration.created."""
    modelled(params, _KNOWN, "portal configurations")
    configuration = _new(work, is_default=False)
    _assign(work, configuration, params)
    configuration["metadata"] = new_metadata(params.get("metadata"))
    work.emit("billing_portal.configuration.created", configuration)
    return configuration


def update(work: Work, params: Obj, configuration_id: str) -> Obj:
    """POST /v1/billing_portal/configurations/{id}; the default one stays active."""
    modelled(params, _KNOWN | {"active"}, "portal configurations")
    configuration = work.edit(KIND, configuration_id)
    before = copied(configuration)
    if params.get("active") is False and configuration["is_default"]:
        raise InvalidRequest("You cannot deactivate the default configuration.", param="active")
    configuration["active"] = params.get("active", configuration["active"])
    _assign(work, configuration, params)
    configuration["metadata"] = merged_metadata(configuration["metadata"], params.get("metadata"))
    configuration["updated"] = work.now
    work.emit_updated("billing_portal.configuration.updated", before, configuration)
    return configuration


def retrieve(work: Work, _params: Obj, configuration_id: str) -> Obj:
    """GET /v1/billing_portal/configurations/{id}."""
    return work.read(KIND, configuration_id)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/billing_portal/configurations."""
    return where(work.all(KIND), params, "active", "is_default")


def default(work: Work) -> Obj:
    """The configuration of sessions that name none."""
    found = next((each for each in work.all(KIND) if each["is_default"]), None)
    if found is not None:
        return found
    configuration = _new(work, is_default=True)
    features = configuration["features"]
    features["customer_update"] = {"allowed_updates": ["email", "name", "phone"], "enabled": True}
    for name in ("invoice_history", "payment_method_update", "subscription_cancel"):
        features[name]["enabled"] = True
    features["subscription_cancel"]["cancellation_reason"]["enabled"] = True
    return configuration


def _new(work: Work, *, is_default: bool) -> Obj:
    return work.add(
        KIND,
        {
            **absent("application", "default_return_url", "name"),
            "id": work.new_id("bpc"),
            "object": KIND,
            "active": True,
            "business_profile": absent("headline", "privacy_policy_url", "terms_of_service_url"),
            "created": work.now,
            "features": copied(_FEATURES),
            "is_default": is_default,
            "livemode": False,
            "login_page": {"enabled": False, "url": None},
            "metadata": {},
            "updated": work.now,
        },
    )


def _assign(work: Work, configuration: Obj, params: Obj) -> None:
    for name, value in params.get("business_profile", {}).items():
        if name != "headline" and value:
            web_address(value, f"business_profile[{name}]")
        configuration["business_profile"][name] = cleared(value)
    if "default_return_url" in params:
        given = params["default_return_url"]
        configuration["default_return_url"] = web_address(given, "default_return_url") if given else None
    if "name" in params:
        configuration["name"] = cleared(params["name"])
    if params.get("login_page", {}).get("enabled"):
        raise NotModelled("login pages of the portal", param="login_page[enabled]")
    for name, given in params.get("features", {}).items():
        _assign_feature(work, configuration["features"][name], name, given)


def _assign_feature(work: Work, feature: Obj, name: str, given: Obj) -> None:
    here = f"features[{name}]"
    refused = {
        "payment_method_update": ("payment_method_configuration",),
        "subscription_pause": ("enabled",),
    }
    for key in refused.get(name, ()):
        if given.get(key):
            raise NotModelled(f"{key} of {name} in the portal", param=f"{here}[{key}]")
    for key, value in given.items():
        if key == "cancellation_reason":
            _assign_reasons(feature[key], value, f"{here}[{key}]")
        elif key == "schedule_at_period_end":
            if value.get("conditions"):
                raise NotModelled("changes of plan at the end of the period", param=f"{here}[{key}]")
        elif key == "products":
            feature[key] = [_product(work, each, f"{here}[products][{i}]") for i, each in enumerate(value or [])]
        elif key in ("allowed_updates", "default_allowed_updates"):
            feature[key] = list(value or [])
        elif key == "duration":
            feature[key] = _duration(feature[key], value)
        else:
            feature[key] = value
    _check_complete(feature, name, here)


def _assign_reasons(reasons: Obj, given: Obj, here: str) -> None:
    if given.get("feedback_options"):
        raise NotModelled("feedback options of one's own", param=f"{here}[feedback_options]")
    reasons["enabled"] = given.get("enabled", reasons["enabled"])
    if "options" in given:
        reasons["options"] = list(given["options"] or [])
    if reasons["enabled"] and not reasons["options"]:
        raise _missing(f"{here}[options]")


def _duration(duration: Obj, given: Obj) -> Obj:
    """How long a pause may last; what is not given stays, an interval without a count is one (assumed)."""
    options = given.get("interval_options", duration["interval_options"]) or []
    return {
        "interval_options": [{"interval_count": 1, **each} for each in options],
        "type": given["type"],
    }


def _product(work: Work, given: Obj, here: str) -> Obj:
    product = work.read("product", given["product"], param=f"{here}[product]")
    for index, price_id in enumerate(given["prices"]):
        param = f"{here}[prices][{index}]"
        price = work.read("price", price_id, param=param)
        if price["product"] != product["id"]:
            raise InvalidRequest(f"The price {price_id} does not belong to the product {product['id']}.", param=param)
        if price["recurring"] is None or not price["active"]:
            raise InvalidRequest(f"The price {price_id} is not an active recurring price.", param=param)
    quantity: Any = given.get("adjustable_quantity", {"enabled": False})
    return {
        "adjustable_quantity": {
            "enabled": quantity["enabled"],
            "maximum": quantity.get("maximum"),
            "minimum": quantity.get("minimum", 0),
        },
        "prices": list(given["prices"]),
        "product": product["id"],
    }


def _check_complete(feature: Obj, name: str, here: str) -> None:
    if not feature["enabled"]:
        return
    if name == "customer_update" and not feature["allowed_updates"]:
        raise _missing(f"{here}[allowed_updates]")
    if name != "subscription_update":
        return
    for key in ("default_allowed_updates", "products"):
        if not feature[key]:
            raise _missing(f"{here}[{key}]")
    if len(feature["products"]) > _MOST_PRODUCTS:
        raise InvalidRequest(f"At most {_MOST_PRODUCTS} products can be offered.", param=f"{here}[products]")


def _missing(param: str) -> InvalidRequest:
    return InvalidRequest(f"Missing required param: {param}.", code="parameter_missing", param=param)
