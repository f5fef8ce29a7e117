"""Connections to sources and their links. What is wrong with one is the verb's to say; here what cannot be read."""

from datetime import UTC, datetime, time

from flask_babel import lazy_gettext as _
from wtforms import DateField, SelectChoice, SelectField, StringField
from wtforms.validators import Length, Optional

from blueprints.forms.base import PortalForm, is_plain_text
from portal.errors_http import said
from portal.models import UsageSource
from portal.sources.base import Setting
from portal.sources.connections import Draft
from portal.sources.errors import BadSource
from portal.sources.registry import KINDS

_TEXT = (Length(max=500), is_plain_text)


class ConnectionForm(PortalForm):
    """What can change of a connection. The settings of each kind are added below, as ``<kind>_<name>``."""

    name = StringField(_("Name"), _TEXT)
    base_url = StringField(_("Web address"), _TEXT)
    secret = StringField(_("Key"), _TEXT)
    key_expires_on = DateField(_("The key ends on"), [Optional()])

    @classmethod
    def of(cls, source: UsageSource) -> "ConnectionForm":
        """As a connection is now, without its key."""
        options = {f"{source.kind}_{name}": value for name, value in source.options.items()}
        ends_on = source.key_expires_at.astimezone(UTC).date() if source.key_expires_at else None
        held = {"name": source.name, "base_url": source.base_url, "key_expires_on": ends_on}
        return cls(formdata=None, data={**options, **held})

    def draft(self, kind: str) -> Draft:
        """What was entered for a connection of that kind."""
        settings = KINDS[kind].settings if kind in KINDS else ()
        options = {setting.name: self[f"{kind}_{setting.name}"].data or "" for setting in settings}
        day = self.key_expires_on.data
        ends_at = datetime.combine(day, time(), UTC) if day else None
        return Draft(self.name.data or "", self.base_url.data or "", self.secret.data or "", options, ends_at)

    def refuse_for(self, error: BadSource, kind: str) -> None:
        """Say at its field what a verb has refused."""
        name = error.field if error.field in self else f"{kind}_{error.field}"
        self.refuse(self[name if name in self else "name"], said(error)["message"])


def _add(kind: str, setting: Setting) -> None:
    setattr(ConnectionForm, f"{kind}_{setting.name}", StringField(setting.label, _TEXT, description=setting.help))


for _source in KINDS.values():
    for _setting in _source.settings:
        _add(_source.kind, _setting)


class SourceForm(ConnectionForm):
    """A new one."""

    kind = SelectField(_("Program"), choices=[SelectChoice(each.kind, each.label) for each in KINDS.values()])


class LinkForm(PortalForm):
    """Which tenant is which; both lists are read when the page is made."""

    tenant_id = SelectField(_("Tenant"), validate_choice=False)
    external_id = SelectField(_("Tenant there"), validate_choice=False)
