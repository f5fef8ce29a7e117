"""Guards: every route says who may use it, in one decorator under the route's own.

A guard binds the database session to what the person may see before the handler runs. The app refuses to
start with a route that has none (:func:`check_every_route_is_guarded`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

from flask import Flask, Request, Response, current_app, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from portal import tenancy
from portal.errors import Forbidden
from portal.models.users import MEMBER_ROLES, STAFF_ROLES
from portal.security import api_keys
from portal.security.principal import Principal
from portal.security.redirects import way_back
from portal.security.sign_in import NoMembership

Kind = Literal["public", "signed_in", "member", "staff", "machine", "bearer"]
View = TypeVar("View", bound=Callable[..., Any])
Check = Callable[[], ResponseReturnValue | None]
_UNGUARDED_BY_FLASK = frozenset({"static"})

SIGN_IN_PATH = "/sign-in"
STAFF_PATH = "/staff"


class UnguardedRoute(RuntimeError):
    """A route does not say who may use it: the portal does not start."""


@dataclass(frozen=True)
class Guard:
    """Who may use a route; ``reason`` says of a machine's route what authenticates it instead."""

    kind: Kind
    roles: tuple[str, ...] = ()
    reason: str = ""


def public(view: View) -> View:
    """Anybody. The session stays unbound: no tenant's rows are visible."""
    return _guarded(view, Guard("public"), lambda: None)


def signed_in(view: View) -> View:
    """Anybody with a session; bound to the user, and to the tenant if there is one."""
    return _guarded(view, Guard("signed_in"), _check_signed_in)


def member(*roles: str) -> Callable[[View], View]:
    """A member of the tenant being looked at, in one of ``roles``; without roles, any member.

    Sets ``g.tenant_id`` and binds tenant and user. Another role gets the 403 page.
    """
    _require_known(roles, MEMBER_ROLES)
    return lambda view: _guarded(view, Guard("member", roles), lambda: _check_member(roles))


def staff(*roles: str) -> Callable[[View], View]:
    """The platform's staff, in one of ``roles``; without roles, any. Only the user is bound, no tenant."""
    _require_known(roles, STAFF_ROLES)
    return lambda view: _guarded(view, Guard("staff", roles), lambda: _check_staff(roles))


def machine(reason: str) -> Callable[[View], View]:
    """A machine that authenticates itself otherwise (``reason`` says how); exempt from CSRF."""
    return lambda view: _guarded(view, Guard("machine", reason=reason), lambda: None)


def bearer(*scopes: str) -> Callable[[View], View]:
    """Whoever sends a tenant's API key with all of ``scopes``; exempt from CSRF, for no browser adds one by itself.

    Sets ``g.tenant_id`` and ``g.bearer``, and binds the tenant. Without a key or with an unknown one 401, without a
    scope 403.
    """
    if unknown := set(scopes) - set(api_keys.SCOPES):
        raise ValueError(f"no such scope: {', '.join(sorted(unknown))}")
    return lambda view: _guarded(view, Guard("bearer", scopes), lambda: _check_bearer(scopes))


def token_of(asked: Request) -> str:
    """The bearer token that a request brings, or an empty text."""
    kind, _, token = asked.headers.get("Authorization", "").partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""


def guard_of(app: Flask, endpoint: str | None) -> Guard | None:
    """The guard of an endpoint, or ``None`` for an unknown one and for static files."""
    guard: Guard | None = getattr(app.view_functions.get(endpoint or ""), "__guard__", None)
    return guard


def check_every_route_is_guarded(app: Flask) -> None:
    """Raise :class:`UnguardedRoute`, naming every route without a guard."""
    missing = sorted(
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if rule.endpoint not in _UNGUARDED_BY_FLASK and guard_of(app, rule.endpoint) is None
    )
    if missing:
        raise UnguardedRoute(f"no guard on: {', '.join(missing)}; see portal/security/guards.py")


def _guarded(view: View, guard: Guard, check: Check) -> View:
    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        answer = check()
        return view(*args, **kwargs) if answer is None else answer

    wrapper.__guard__ = guard  # type: ignore[attr-defined]  # read by guard_of()
    return wrapper  # type: ignore[return-value]  # wraps() keeps the view's signature


def _check_signed_in() -> ResponseReturnValue | None:
    principal = _principal()
    if principal is None:
        return _ask_to_sign_in()
    _bind(principal)
    return None


def _check_member(roles: tuple[str, ...]) -> ResponseReturnValue | None:
    principal = _principal()
    if principal is None:
        return _ask_to_sign_in()
    if principal.tenant_id is None:
        if principal.staff_role is not None and request.method == "GET":
            return redirect(STAFF_PATH)
        raise NoMembership
    if roles and principal.role not in roles:
        raise Forbidden
    _bind(principal)
    return None


def _check_staff(roles: tuple[str, ...]) -> ResponseReturnValue | None:
    principal = _principal()
    if principal is None:
        return _ask_to_sign_in()
    if principal.staff_role is None or (roles and principal.staff_role not in roles):
        raise Forbidden
    tenancy.fresh()
    tenancy.bind(user_id=principal.user_id)
    return None


def _check_bearer(scopes: tuple[str, ...]) -> None:
    found = api_keys.require(token_of(request), scopes)
    g.tenant_id, g.bearer = found.tenant_id, found
    tenancy.fresh()
    tenancy.bind(found.tenant_id)


def _bind(principal: Principal) -> None:
    if principal.tenant_id is not None:
        g.tenant_id = principal.tenant_id
    tenancy.fresh()
    tenancy.bind(principal.tenant_id, user_id=principal.user_id)


def _principal() -> Principal | None:
    return current_user._get_current_object() if current_user.is_authenticated else None


def _ask_to_sign_in() -> Response:
    """A page redirects; a fragment cannot (the page would nest inside it), so htmx is told to go."""
    back = way_back(request)
    target = f"{SIGN_IN_PATH}?{urlencode({'next': back})}" if back else SIGN_IN_PATH
    if request.headers.get("HX-Request") == "true":
        return current_app.response_class(status=401, headers={"HX-Redirect": target})
    return current_app.make_response(redirect(target))


def _require_known(roles: tuple[str, ...], known: tuple[str, ...]) -> None:
    if unknown := set(roles) - set(known):
        raise ValueError(f"no such role: {', '.join(sorted(unknown))}")
