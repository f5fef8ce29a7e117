"""One's own account: how one reads, the password, the sessions; and which tenant is looked at."""

from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_login import current_user

from blueprints.forms.account import PasswordForm, PreferencesForm
from blueprints.forms.base import client_address
from portal.errors import NotFound
from portal.security import accounts, browser_sessions, sessions, sign_in
from portal.security.guards import signed_in
from portal.security.limits import TooManyAttempts
from portal.security.passwords import WeakPassword
from portal.security.principal import Principal

bp = Blueprint("account", __name__)


@bp.get("/account")
@signed_in
def profile() -> ResponseReturnValue:
    return _page()


@bp.post("/account/preferences")
@signed_in
def save_preferences() -> ResponseReturnValue:
    sent = _preferences_form()
    if not sent.validate():
        return _page(preferences=sent, status=422)
    accounts.update_preferences(
        _me(),
        language=sent.language.data,
        format_locale=sent.format_locale.data,
        timezone=sent.timezone.data,
        theme=sent.theme.data,
    )
    flash(gettext("Your preferences are saved."), "good")
    return redirect(url_for("account.profile"), 303)


@bp.post("/account/password")
@signed_in
def change_password() -> ResponseReturnValue:
    sent = PasswordForm()
    if not sent.validate():
        return _page(password=sent, status=422)
    try:
        token = accounts.change_password(
            _me(), sent.current_password.data, sent.new_password.data, address=client_address()
        )
    except (accounts.WrongPassword, TooManyAttempts) as error:
        sent.refuse(sent.current_password, gettext(error.message) % error.params)
        return _page(password=sent, status=error.status)
    except WeakPassword as error:
        sent.refuse(sent.new_password, gettext(error.message))
        return _page(password=sent, status=error.status)
    browser_sessions.start(token)
    flash(gettext("Your password is changed. All other sessions are signed out."), "good")
    return redirect(url_for("account.profile"), 303)


@bp.post("/account/sessions/<uuid:session_id>/revoke")
@signed_in
def revoke_session(session_id: UUID) -> ResponseReturnValue:
    sessions.revoke(_me(), session_id)
    if session_id == current_user.session_id:
        browser_sessions.end()
        return redirect(url_for("sign_in.form"), 303)
    flash(gettext("The session is signed out."), "good")
    return redirect(url_for("account.profile"), 303)


@bp.post("/account/sessions/revoke-others")
@signed_in
def revoke_other_sessions() -> ResponseReturnValue:
    sessions.revoke_others(_me())
    flash(gettext("All other sessions are signed out."), "good")
    return redirect(url_for("account.profile"), 303)


@bp.post("/tenant")
@signed_in
def switch_tenant() -> ResponseReturnValue:
    """A malformed id is answered like a foreign one."""
    try:
        tenant_id = UUID(request.form.get("tenant_id", ""))
    except ValueError:
        raise NotFound from None
    browser_sessions.start(sign_in.switch_tenant(_me(), tenant_id))
    return redirect("/", 303)


def _page(
    *, preferences: PreferencesForm | None = None, password: PasswordForm | None = None, status: int = 200
) -> ResponseReturnValue:
    page = render_template(
        "account/page.html",
        preferences=preferences or _preferences_form(),
        password=password or PasswordForm(formdata=None),
        sessions=sessions.own_sessions(),
    )
    return page, status


def _preferences_form() -> PreferencesForm:
    is_sent = request.endpoint == "account.save_preferences"
    made = PreferencesForm(obj=current_user) if is_sent else PreferencesForm(formdata=None, obj=current_user)
    made.offer_formats(current_user.format_locale)
    return made


def _me() -> Principal:
    me: Principal = current_user._get_current_object()
    return me
