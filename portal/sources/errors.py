"""What can be wrong with a source or with one of its links: a code, a sentence for staff, what to do next."""

from typing import ClassVar

from portal.errors import Invalid


class SourceError(Invalid):
    """Base of the failures of a measurement: nothing of it is recorded. ``is_passing``: it may well mend itself."""

    code = "source_failed"
    message = "The source could not be measured."
    remedy = "Test the connection; what it answers is said there."
    is_passing: ClassVar[bool] = False


class Unreachable(SourceError):
    code = "source_unreachable"
    message = "The source does not answer."
    remedy = "Check its address and the network between the portal and it. It is asked again every hour."
    is_passing = True


class AddressRefused(SourceError):
    code = "source_address_refused"
    message = "This address may not be asked."
    remedy = (
        "Use https. Plain http and this machine's own addresses need an entry in SOURCES_HTTP_HOSTS; link-local "
        "addresses are never asked."
    )


class KeyRefused(SourceError):
    code = "source_key_refused"
    message = "The source does not accept the key: it is wrong, disabled or has expired."
    remedy = "Make a new key there and enter it here."


class PermissionMissing(SourceError):
    code = "source_permission_missing"
    message = "The key may not read everything that is measured."
    remedy = "Give its user the right to read all that is counted, without conditions."


class UnknownTenant(SourceError):
    code = "source_unknown_tenant"
    message = "The source does not know this tenant."
    remedy = "It was deleted there, or another one was meant. Remove the link and choose again; nothing was recorded."


class CountsDisagree(SourceError):
    code = "source_counts_disagree"
    message = "Two independent counts differ, so neither is billed."
    remedy = "Look for permissions with conditions: they hide objects without a sign. Nothing was recorded."


class Unreadable(SourceError):
    code = "source_unreadable"
    message = "The source's answer cannot be read."
    remedy = "Check that the address is the one of the program itself, and not of a login page before it."


class TooMuch(SourceError):
    code = "source_too_much"
    message = "The source's answer is larger or slower than one measurement may be."
    remedy = "Nothing was recorded. If it goes on, look at the load of the program and at how many objects it has."


class TooOld(SourceError):
    code = "source_too_old"
    message = "This version of the program is not supported."
    remedy = "NetBox from 4.1; Odoo from 14, before 19 with database and login."


class BadSource(Invalid):
    """Base of what can be wrong with what staff enter; ``field`` names the part of the form."""

    code = "bad_source"
    field: ClassVar[str] = "name"


class BadName(BadSource):
    code = "bad_source_name"
    message = "A name has 1 to 60 characters."


class NameTaken(BadSource):
    code, status = "source_name_taken", 409
    message = "There is a source with this name already; archived ones count too."


class BadKind(BadSource):
    code, field = "bad_source_kind", "kind"
    message = "Choose one of the offered programs."


class BadAddress(BadSource):
    code, field = "bad_source_address", "base_url"
    message = "Enter an address such as https://netbox.example.com, without a user, a query or a fragment."


class InsecureAddress(BadSource):
    code, field = "insecure_source_address", "base_url"
    message = "Use https. Plain http needs an entry in SOURCES_HTTP_HOSTS: the key would be readable on the way."


class BadSecret(BadSource):
    code, field = "bad_source_secret", "secret"
    message = "Enter the key: 1 to 500 characters without blanks."


class SecretNeeded(BadSource):
    code, field = "source_secret_needed", "secret"
    message = "Enter the key again: it is not sent to another address than the one it was entered for."


class LoginNeeded(BadSource):
    code, field = "source_login_needed", "database"
    message = "Before Odoo 19 both database and login are needed; from 19 on no login."


class AlreadyLinked(BadSource):
    code, status, field = "source_already_linked", 409, "tenant_id"
    message = "This tenant is linked to a program of this kind already. Remove that link first."


class ElsewhereLinked(BadSource):
    code, status, field = "source_linked_elsewhere", 409, "external_id"
    message = "Another tenant is linked to this one: it would be billed twice."


def sentence_of(code: str) -> type[SourceError]:
    """The class of a failure whose code was written down; the base class for one that no longer is."""
    return next((each for each in SourceError.__subclasses__() if each.code == code), SourceError)
