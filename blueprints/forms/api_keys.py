"""The form of a new API key."""

from uuid import UUID

from flask_babel import lazy_gettext as _
from wtforms import HiddenField, SelectChoice, SelectField, SelectMultipleField, StringField, validators
from wtforms.validators import Length

from blueprints.forms.base import PortalForm, is_plain_text
from portal.billing.api_keys import Draft
from portal.ids import uuid7

SCOPES = (
    ("usage:write", _("Report usage")),
    ("usage:read", _("Read usage, and ask whether more may be used")),
)
DAYS = (
    ("", _("until it is revoked")),
    ("30", _("for 30 days")),
    ("90", _("for 90 days")),
    ("365", _("for a year")),
)


class ApiKeyForm(PortalForm):
    """``attempt``: the id that the key will have, so that a form that is sent twice makes one key."""

    attempt = HiddenField(default=uuid7, validators=[validators.UUID()])
    name = StringField(_("Name"), [Length(max=100), is_plain_text])
    scopes = SelectMultipleField(
        _("What it may do"), choices=[SelectChoice(*scope) for scope in SCOPES], default=["usage:write"]
    )
    expires_in_days = SelectField(_("It works"), choices=[SelectChoice(*days) for days in DAYS])

    def draft(self) -> Draft:
        """The key that was described."""
        days = self.expires_in_days.data
        return Draft(
            UUID(str(self.attempt.data)),
            self.name.data or "",
            tuple(self.scopes.data or ()),
            int(days) if days else None,
        )
