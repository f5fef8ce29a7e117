"""Setup attempts: one try to save a payment method."""

from collections.abc import Iterator

from .charge_bodies import three_d_secure
from .fields import absent, where
from .work import Obj, Work, copied

KIND = "setup_attempt"
_CARD = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")


def begin(work: Work, intent: Obj, method: Obj, status: str) -> Obj:
    """The try that a setup intent's confirmation makes, with the status of the intent after it."""
    attempt = {
        **absent("application", "customer_account", "flow_directions", "on_behalf_of", "setup_error"),
        "id": work.new_id("setatt"),
        "object": KIND,
        "created": work.now,
        "customer": intent["customer"],
        "livemode": False,
        "payment_method": method["id"],
        "payment_method_details": _details(method, authenticated=False),
        "setup_intent": intent["id"],
        "status": status,
        "usage": intent["usage"],
    }
    intent["latest_attempt"] = attempt["id"]
    return work.add(KIND, attempt)


def conclude(work: Work, intent: Obj, status: str, error: Obj | None = None, *, authenticated: bool = False) -> None:
    """succeeded, failed or abandoned, for the latest try of the intent."""
    attempt = work.edit(KIND, intent["latest_attempt"])
    attempt.update(status=status, setup_error=copied(error))
    if authenticated:
        method = work.read("payment_method", attempt["payment_method"])
        attempt["payment_method_details"] = _details(method, authenticated=True)


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/setup_attempts of one `setup_intent`."""
    work.read("setup_intent", params["setup_intent"], param="setup_intent")
    return where(work.all(KIND), params, "setup_intent")


def _details(method: Obj, *, authenticated: bool) -> Obj:
    kind = method["type"]
    if kind != "card":
        return {"type": kind, kind: {}}
    secure = three_d_secure(authenticated=authenticated)
    if secure is not None:
        del secure["exemption_indicator"]
    card = method["card"]
    shown = {name: copied(card[name]) for name in _CARD}
    return {"type": kind, kind: {**shown, "network": card["brand"], "three_d_secure": secure}}
