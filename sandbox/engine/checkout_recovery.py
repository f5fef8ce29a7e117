"""Recovering a Checkout session that expired: for thirty days its address opens a new one like it."""

from ..errors import ResourceMissing
from .periods import DAY
from .work import Obj, Work, copied

_DAYS = 30


def remember(session: Obj, params: Obj) -> None:
    """Keeps what the session was made of, when it may be recovered."""
    recovery = _recovery(session)
    if recovery is None:
        return
    kept = {name: value for name, value in params.items() if name not in ("expires_at", "expand")}
    if recovery["allow_promotion_codes"] and "discounts" not in kept:
        kept["allow_promotion_codes"] = True
    session["_"]["recoverable"] = copied(kept)


def offer(work: Work, session: Obj) -> None:
    """The session has just expired: it gets its recovery address."""
    recovery = _recovery(session)
    if recovery is not None:
        recovery.update(expires_at=work.now + _DAYS * DAY, url=f"{work.public_url}/c/recover/{session['id']}")


def params_of(work: Work, session: Obj) -> Obj:
    """The parameters of the new session; ResourceMissing when there is nothing to recover, or no longer."""
    recovery = _recovery(session)
    if recovery is None or recovery["expires_at"] is None or recovery["expires_at"] <= work.now:
        raise ResourceMissing("checkout.session", session["id"])
    found: Obj = copied(session["_"]["recoverable"])
    return found


def _recovery(session: Obj) -> Obj | None:
    found: Obj = (session["after_expiration"] or {}).get("recovery") or {}
    return found if found.get("enabled") else None
