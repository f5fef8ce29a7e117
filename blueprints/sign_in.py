"""Signing in and out, and a new password by mail."""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, gettext
from flask_login import current_user

from blueprints.forms.base import client_address
from blueprints.forms.sign_in import ForgotPasswordForm, ResetPasswordForm, SignInForm
from portal.errors import DomainError
from portal.security import browser_sessions, password_resets, sign_in
from portal.security.guards import STAFF_PATH, public, signed_in
from portal.security.limits import TooManyAttempts
from portal.security.passwords import WeakPassword
from portal.security.principal import Principal
from portal.security.redirects import safe_path

bp = Blueprint("sign_in", __name__)


@bp.get("/sign-in")
@public
def form() -> ResponseReturnValue:
    """The form; whoever is signed in already goes on."""
    if current_user.is_authenticated:
        return redirect(_landing(current_user, request.args.get("next")))
    return _sign_in_page(SignInForm(next=safe_path(request.args.get("next")) or ""))


@bp.post("/sign-in")
@public
def submit() -> ResponseReturnValue:
    sent = SignInForm()
    if not sent.validate():
        return _sign_in_page(sent, status=422)
    before = current_user._get_current_object() if current_user.is_authenticated else None
    try:
        token = sign_in.sign_in(
            sent.email.data,
            sent.password.data,
            address=client_address(),
            user_agent=request.user_agent.string,
        )
    except (sign_in.WrongCredentials, TooManyAttempts) as error:
        return _sign_in_page(sent, status=error.status, error=error)
    if before is not None:
        sign_in.sign_out(before)
    return redirect(_landing(browser_sessions.start(token), sent.next.data), 303)


@bp.post("/sign-out")
@signed_in
def sign_out() -> ResponseReturnValue:
    sign_in.sign_out(current_user._get_current_object())
    browser_sessions.end()
    flash(gettext("You are signed out."), "good")
    return redirect(url_for("sign_in.form"), 303)


@bp.get("/no-organisation")
@signed_in
def no_organisation() -> ResponseReturnValue:
    """Where people land who belong to no tenant and are not staff."""
    if current_user.tenant_id is not None:
        return redirect("/")
    return render_template("sign_in/no_organisation.html")


@bp.get("/forgot-password")
@public
def forgot_password() -> ResponseReturnValue:
    return render_template("sign_in/forgot_password.html", form=ForgotPasswordForm())


@bp.post("/forgot-password")
@public
def request_reset() -> ResponseReturnValue:
    """The answer is the same whether the account exists or not."""
    sent = ForgotPasswordForm()
    if not sent.validate():
        return render_template("sign_in/forgot_password.html", form=sent), 422
    sign_in.request_password_reset(sent.email.data, address=client_address(), language=str(get_locale()))
    return render_template("sign_in/reset_requested.html")


@bp.get("/reset-password/<token>")
@public
def reset_password(token: str) -> ResponseReturnValue:
    if not password_resets.is_redeemable(token):
        return _spent_link()
    return render_template("sign_in/reset_password.html", form=ResetPasswordForm())


@bp.post("/reset-password/<token>")
@public
def set_password(token: str) -> ResponseReturnValue:
    sent = ResetPasswordForm()
    if not sent.validate():
        return render_template("sign_in/reset_password.html", form=sent), 422
    try:
        sign_in.reset_password(token, sent.new_password.data)
    except password_resets.ResetLinkSpent:
        return _spent_link()
    except WeakPassword as error:
        sent.refuse(sent.new_password, gettext(error.message))
        return render_template("sign_in/reset_password.html", form=sent), 422
    browser_sessions.end()
    flash(gettext("Your new password is set. Sign in with it."), "good")
    return redirect(url_for("sign_in.form"), 303)


def _sign_in_page(sent: SignInForm, *, status: int = 200, error: DomainError | None = None) -> Response:
    message = gettext(error.message) % error.params if error else ""
    is_limited = isinstance(error, TooManyAttempts)
    page = render_template("sign_in/page.html", form=sent, message=message, is_limited=is_limited)
    response = Response(page, status)
    if isinstance(error, TooManyAttempts):
        response.headers["Retry-After"] = str(error.params["retry_after"])
    return response


def _spent_link() -> ResponseReturnValue:
    return render_template("sign_in/reset_spent.html"), 410


def _landing(principal: Principal, wanted: str | None) -> str:
    """Where to go after the sign-in: back to what was asked for, else to where the person belongs."""
    if principal.tenant_id is None and principal.staff_role is None:
        return url_for("sign_in.no_organisation")
    return safe_path(wanted) or (STAFF_PATH if principal.tenant_id is None else "/")
