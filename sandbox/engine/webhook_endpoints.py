"""Webhook endpoints: where events go, in which version, signed with which secret.

The secret is shown once, in the answer to create; signing_secrets.py keeps it apart from the object.
"""

from collections.abc import Iterator

from ..errors import InvalidRequest, modelled
from . import signing_secrets
from .fields import cleared, merged_metadata, new_metadata, web_address, where
from .work import Obj, Work

KIND = "webhook_endpoint"
_MOST = 16


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/webhook_endpoints; the answer, and only it, carries `secret`."""
    modelled(params, {"url", "enabled_events", "api_version", "description", "metadata"}, "webhook endpoints")
    if sum(1 for _ in work.all(KIND)) >= _MOST:
        raise InvalidRequest(f"You have reached the maximum of {_MOST} test webhook endpoints.")
    endpoint = {
        "id": work.new_id("we"),
        "object": KIND,
        "api_version": params.get("api_version"),
        "application": None,
        "created": work.now,
        "description": cleared(params.get("description")),
        "enabled_events": params["enabled_events"],
        "livemode": False,
        "metadata": new_metadata(params.get("metadata")),
        "status": "enabled",
        "url": web_address(params["url"], "url"),
    }
    work.add(KIND, endpoint)
    secret = signing_secrets.keep(work, endpoint["id"], work.new_id("whsec"))
    return {**endpoint, "secret": secret["secret"]}


def retrieve(work: Work, _params: Obj, endpoint_id: str) -> Obj:
    """GET /v1/webhook_endpoints/{id}, without its secret."""
    return work.edit(KIND, endpoint_id)


def update(work: Work, params: Obj, endpoint_id: str) -> Obj:
    """POST /v1/webhook_endpoints/{id}; the api_version of an endpoint never changes."""
    endpoint = work.edit(KIND, endpoint_id)
    if "url" in params:
        endpoint["url"] = web_address(params["url"], "url")
    if "enabled_events" in params:
        endpoint["enabled_events"] = params["enabled_events"]
    if "description" in params:
        endpoint["description"] = cleared(params["description"])
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    endpoint["metadata"] = merged_metadata(endpoint["metadata"], params.get("metadata"))
    return endpoint


def delete(work: Work, _params: Obj, endpoint_id: str) -> Obj:
    """DELETE /v1/webhook_endpoints/{id}; what waits for it is dropped."""
    work.edit(KIND, endpoint_id)
    work.remove(signing_secrets.KIND, endpoint_id)
    work.remove(KIND, endpoint_id)
    return {"id": endpoint_id, "object": KIND, "deleted": True}


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/webhook_endpoints."""
    return where(work.all(KIND), params)


def register(work: Work, url: str, secret: str, api_version: str) -> Obj:
    """The endpoint given at the command line: made once, then kept up to date across restarts."""
    marked = [found for found in work.all(KIND) if found["metadata"].get("sandbox") == "command_line"]
    params = {"url": url, "enabled_events": ["*"], "metadata": {"sandbox": "command_line"}}
    if marked and marked[0]["api_version"] == api_version:
        endpoint = update(work, params, marked[0]["id"])
    else:
        endpoint = create(work, {**params, "api_version": api_version})
    signing_secrets.keep(work, endpoint["id"], secret)
    return endpoint
