"""Staff define what is metered. What is wrong with it is the verb's to say; here only what cannot be read."""

from flask_babel import lazy_gettext as _
from wtforms import IntegerField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length

from blueprints.forms.base import PortalForm, is_plain_text
from portal.config import LANGUAGES
from portal.models import Resource
from portal.usage.resources import Looks

AGGREGATIONS = {
    "sum": _("the sum of all reports"),
    "max": _("the highest report"),
    "last": _("the newest report"),
    "unique": _("the number of different values"),
}
_SHORT = (Length(max=100), is_plain_text)
_WHOLE_NUMBER = InputRequired(_("Enter a whole number."))


class LooksForm(PortalForm):
    """What can change at any time."""

    name_en = StringField(_("Name in English"), _SHORT)
    name_es = StringField(_("Name in Spanish"), _SHORT)
    name_pt_BR = StringField(_("Name in Portuguese"), _SHORT)  # noqa: N815  (the language's code)
    unit = StringField(_("Unit"), _SHORT)
    decimals = IntegerField(_("Decimals"), [_WHOLE_NUMBER])
    position = IntegerField(_("Place in lists"), [_WHOLE_NUMBER])

    @classmethod
    def of(cls, resource: Resource) -> "LooksForm":
        """As a resource is now."""
        names = {f"name_{language}": resource.names.get(language, "") for language in LANGUAGES}
        return cls(formdata=None, obj=resource, data=names)

    def looks(self) -> Looks:
        """What was entered."""
        names = {language: self[f"name_{language}"].data or "" for language in LANGUAGES}
        return Looks(names, self.unit.data or "", self.decimals.data, self.position.data)


class ResourceForm(LooksForm):
    """A new one."""

    resource_type = StringField(_("Code in reports"), _SHORT)
    aggregation = SelectField(
        _("A period's quantity is"), choices=[SelectChoice(value, label) for value, label in AGGREGATIONS.items()]
    )
