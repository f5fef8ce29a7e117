"""Signing in and setting a new password by mail."""

from flask_babel import lazy_gettext as _
from wtforms import EmailField, HiddenField, PasswordField
from wtforms.validators import DataRequired, EqualTo, Length

from blueprints.forms.base import PortalForm, is_plain_text
from portal.security.passwords import MAX_LENGTH

_EMAIL_LENGTH = 254  # RFC 5321 §4.5.3.1.3
_email_rules = (
    DataRequired(_("Enter your e-mail address.")),
    Length(max=_EMAIL_LENGTH, message=_("This e-mail address is too long.")),
    is_plain_text,
)


class SignInForm(PortalForm):
    """The password is not judged here: an old one may be shorter than today's rule."""

    email = EmailField(_("E-mail address"), _email_rules)
    password = PasswordField(_("Password"), [DataRequired(_("Enter your password.")), Length(max=MAX_LENGTH)])
    next = HiddenField()


class ForgotPasswordForm(PortalForm):
    email = EmailField(_("E-mail address"), _email_rules)


class ResetPasswordForm(PortalForm):
    """Strength is the verb's to judge."""

    new_password = PasswordField(_("New password"), [DataRequired(_("Enter a new password.")), Length(max=MAX_LENGTH)])
    repeated = PasswordField(
        _("New password again"), [EqualTo("new_password", _("The two passwords are not the same."))]
    )
