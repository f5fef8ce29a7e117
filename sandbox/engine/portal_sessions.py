"""Sessions of the billing portal: the address that a customer is sent to, and what it is for.

The pages are served under /p/session/{id}; what is done there is in portal_pages.py.
"""

from ..errors import InvalidRequest, NotModelled, modelled
from . import portal_configurations
from .fields import absent, web_address
from .work import Obj, Work

KIND = "billing_portal.session"
# Which feature of the configuration a flow needs.
_NEEDS = {
    "customer_update": "customer_update",
    "payment_method_update": "payment_method_update",
    "subscription_cancel": "subscription_cancel",
    "subscription_update": "subscription_update",
    "subscription_update_confirm": "subscription_update",
}
_OF_SUBSCRIPTIONS = ("subscription_cancel", "subscription_update", "subscription_update_confirm")


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/billing_portal/sessions for a `customer`, with `flow_data` for one thing to do.

    InvalidRequest for a flow that the configuration does not allow or that does not fit the subscription. Emits
    billing_portal.session.created.
    """
    modelled(params, {"configuration", "customer", "flow_data", "locale", "return_url"}, "portal sessions")
    if "customer" not in params:
        raise InvalidRequest("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = work.edit("customer", params["customer"], param="customer")
    configuration = _configuration(work, params)
    return_url = params.get("return_url")
    if return_url is not None:
        web_address(return_url, "return_url")
    session_id = work.new_id("bps")
    session = {
        "id": session_id,
        "object": KIND,
        "configuration": configuration["id"],
        "created": work.now,
        "customer": customer["id"],
        "customer_account": None,
        "flow": _flow(work, customer, configuration, params["flow_data"]) if "flow_data" in params else None,
        "livemode": False,
        "locale": params.get("locale"),
        "on_behalf_of": None,
        "return_url": return_url or configuration["default_return_url"],
        "url": f"{work.public_url}/p/session/{session_id}",
    }
    work.add(KIND, session)
    work.emit("billing_portal.session.created", session)
    return session


def _configuration(work: Work, params: Obj) -> Obj:
    if "configuration" not in params:
        return portal_configurations.default(work)
    found = work.read(portal_configurations.KIND, params["configuration"], param="configuration")
    if not found["active"]:
        raise InvalidRequest("This configuration is not active.", param="configuration")
    return found


def _flow(work: Work, customer: Obj, configuration: Obj, given: Obj) -> Obj:
    kind = given["type"]
    if kind not in _NEEDS:
        raise NotModelled(f"the portal's flow {kind}", param="flow_data[type]")
    if not configuration["features"][_NEEDS[kind]]["enabled"]:
        raise InvalidRequest(
            f"The flow {kind} needs the feature {_NEEDS[kind]}, which the portal's configuration has switched off.",
            param="flow_data[type]",
        )
    flow: Obj = {
        **absent(
            "customer_update", "subscription_cancel", "subscription_pause", "subscription_update",
            "subscription_update_confirm",
        ),
        "after_completion": _after_completion(given.get("after_completion", {"type": "portal_homepage"})),
        "type": kind,
    }  # fmt: skip
    if kind == "customer_update":
        flow[kind] = {}
    if kind in _OF_SUBSCRIPTIONS:
        flow[kind] = _about(work, customer, configuration, given, kind)
    return flow


def _about(work: Work, customer: Obj, configuration: Obj, given: Obj, kind: str) -> Obj:
    """What a flow about a subscription names."""
    here = f"flow_data[{kind}]"
    if kind not in given:
        raise InvalidRequest(f"Missing required param: {here}.", code="parameter_missing", param=here)
    about = given[kind]
    subscription = work.read("subscription", about["subscription"], param=f"{here}[subscription]")
    if subscription["customer"] != customer["id"] or subscription["ended_at"] is not None:
        raise InvalidRequest("This subscription is not one of the customer's.", param=f"{here}[subscription]")
    if kind == "subscription_cancel":
        modelled(about, {"subscription"}, "cancelling in the portal")
        if subscription["cancel_at_period_end"] or subscription["cancel_at"] is not None:
            raise InvalidRequest(
                "This subscription cannot be canceled because it is already set to be canceled.",
                param=f"{here}[subscription]",
            )
        return {"retention": None, "subscription": subscription["id"]}
    if len(subscription["items"]["data"]) > 1:
        raise InvalidRequest("Subscriptions with several items cannot be changed in the portal.", param=here)
    if kind == "subscription_update":
        return {"subscription": subscription["id"]}
    modelled(about, {"items", "subscription"}, "changing a plan in the portal")
    items = [_item(subscription, configuration, each, here) for each in about["items"]]
    if len(items) != 1:
        raise InvalidRequest("Give exactly one item.", param=f"{here}[items]")
    return {"discounts": None, "items": items, "subscription": subscription["id"]}


def _item(subscription: Obj, configuration: Obj, given: Obj, here: str) -> Obj:
    item = subscription["items"]["data"][0]
    if given["id"] != item["id"]:
        raise InvalidRequest(
            f"The item {given['id']} does not belong to the subscription.", param=f"{here}[items][0][id]"
        )
    products = configuration["features"]["subscription_update"]["products"] or []
    if all(given.get("price") not in product["prices"] for product in products):
        raise InvalidRequest(
            "The price must be one that the portal's configuration offers.", param=f"{here}[items][0][price]"
        )
    if given.get("quantity") not in (None, item.get("quantity")):
        raise NotModelled("other quantities in the portal", param=f"{here}[items][0][quantity]")
    quantity = {"quantity": item["quantity"]} if "quantity" in item else {}
    return {"id": item["id"], "price": given["price"], **quantity}


def _after_completion(given: Obj) -> Obj:
    kind = given["type"]
    redirect, confirmation = None, None
    if kind == "redirect":
        if "redirect" not in given:
            raise InvalidRequest(
                "Missing required param: flow_data[after_completion][redirect].",
                code="parameter_missing",
                param="flow_data[after_completion][redirect]",
            )
        url = web_address(given["redirect"]["return_url"], "flow_data[after_completion][redirect][return_url]")
        redirect = {"return_url": url}
    elif kind == "hosted_confirmation":
        confirmation = {"custom_message": given.get("hosted_confirmation", {}).get("custom_message")}
    return {"hosted_confirmation": confirmation, "redirect": redirect, "type": kind}
