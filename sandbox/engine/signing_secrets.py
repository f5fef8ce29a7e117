"""The secrets that sign for a webhook endpoint: one, or two while a rolled one lives on.

They are kept apart from the endpoint, because the API shows a secret once, in the answer to create. A roll is
done in Stripe's dashboard only, so it is the control API that calls it here. Source: docs.stripe.com/webhooks
(the former secret lives for up to 24 hours, and each live secret makes a signature of its own).
"""

from ..errors import InvalidRequest
from .work import Obj, Work

KIND = "_secret"
LONGEST = 24 * 3600


def keep(work: Work, endpoint_id: str, secret: str) -> Obj:
    """The endpoint's only secret from now on."""
    return work.add(KIND, {"id": endpoint_id, "secret": secret, "former": []})


def roll(work: Work, endpoint_id: str, expires_in: int, secret: str | None = None) -> Obj:
    """A new secret, given or made; what signed before goes on for `expires_in` seconds of the sandbox's clock.

    Returns `secret` and `former`, each with its `expires_at`. InvalidRequest for more than 24 hours.
    """
    endpoint = work.read("webhook_endpoint", endpoint_id)
    if not 0 <= expires_in <= LONGEST:
        raise InvalidRequest(f"A rolled secret lives 0 to {LONGEST} seconds.", param="expire_in_seconds")
    saved = work.edit(KIND, endpoint["id"])
    limit = work.now + expires_in
    former = [
        {"secret": saved["secret"], "expires_at": limit},
        *({**old, "expires_at": min(old["expires_at"], limit)} for old in saved.get("former", [])),
    ]
    saved["former"] = [old for old in former if old["expires_at"] > work.now]
    saved["secret"] = secret or work.new_id("whsec")
    return {"id": endpoint_id, "secret": saved["secret"], "former": saved["former"]}


def live(saved: Obj | None, now: int) -> list[str]:
    """The secrets that sign at that time, the newest first; none for an endpoint that is gone."""
    if saved is None:
        return []
    former = saved.get("former", [])
    return [saved["secret"], *(old["secret"] for old in former if old["expires_at"] > now)]
