"""The issuer as documents show it: who it is, what it looks like, what it must say. One for the installation."""

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from flask import current_app
from PIL import Image, UnidentifiedImageError
from sqlalchemy import select, update

from portal import countries, tenancy
from portal.config import LANGUAGES
from portal.errors import Invalid
from portal.extensions import db
from portal.invoicing.pdf.document import Branding as Looks
from portal.invoicing.pdf.document import Party
from portal.models import Installation
from portal.security import audit

LOGO_BYTES = 200 * 1024
LOGO_PIXELS = 4000  # in each direction: a small file can unpack to gigabytes
TEXT_CONTRAST = 4.5  # WCAG 2.2 AA, for texts of any size
LONGEST, LONGEST_LEGAL = 200, 2000

# An identifier of a scheme of ISO 6523, as Peppol writes participants: https://docs.peppol.eu/poacc/billing/3.0/
ELECTRONIC_ADDRESS = re.compile(r"\d{4}:[A-Za-z0-9._~-]{1,50}")
_COLOUR = re.compile("#[0-9a-f]{6}")
_COUNTRY = re.compile("[A-Z]{2}")


class BadBranding(Invalid):
    """``field`` names what was refused."""

    code = "bad_branding"
    field = "name"


class BadColour(BadBranding):
    code = "bad_colour"
    message = "Enter a colour like #24479b."
    field = "accent"


class PaleColour(BadBranding):
    code = "pale_colour"
    message = "Texts in this colour are hard to read on white. Choose a darker one."
    field = "accent"


class BadLogo(BadBranding):
    code = "bad_logo"
    message = "The logo must be a PNG or JPEG of at most 200 KB, and at most 4,000 pixels wide and high."
    field = "logo"


class BadCountry(BadBranding):
    code = "bad_country"
    message = "Enter the country as two capital letters, as ES."
    field = "country"


class BadElectronicAddress(BadBranding):
    code = "bad_electronic_address"
    message = "An electronic address is a scheme of four digits, a colon and an identifier, such as 0088:4012345000009."
    field = "electronic_address"


class TooLong(BadBranding):
    code = "branding_too_long"
    message = "A text is longer than a document can show."


@dataclass(frozen=True)
class Brand:
    """Empty texts mean "not given". ``country``: ISO 3166-1 alpha-2; ``legal``: a text per language of documents."""

    name: str = ""
    line1: str = ""
    line2: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    tax_id: str = ""
    electronic_address: str = ""
    email: str = ""
    accent: str = ""
    footer: str = ""
    legal: Mapping[str, str] = field(default_factory=dict)
    logo: bytes | None = None

    def party(self, language: str) -> Party:
        """The issuer on a document in a language; what is not given is the installation's own."""
        settings = current_app.extensions["settings"]
        place = " ".join(part for part in (self.postal_code, self.city) if part)
        country = countries.name(self.country, language)
        return Party(
            name=self.name or settings.portal_name,
            address=tuple(part for part in (self.line1, self.line2, place, country) if part),
            tax_id=self.tax_id,
            email=self.email or settings.smtp_from_email,
            line1=self.line1,
            city=self.city,
            postal_code=self.postal_code,
            country=self.country,
            electronic_address=self.electronic_address,
        )

    def looks(self) -> Looks:
        """Logo and colour, as a snapshot holds them: complete in itself."""
        return Looks(logo=base64.b64encode(self.logo or b"").decode(), accent=self.accent)


def current() -> Brand:
    """What documents show from now on."""
    issuer, logo = db.session.execute(select(Installation.issuer, Installation.logo)).one()
    known = {name: issuer[name] for name in Brand.__dataclass_fields__ if name in issuer}
    return Brand(**{**known, "logo": logo})


def change(brand: Brand, *, actor: UUID) -> None:
    """Show it on every document from now on; what was issued stays as it is. Commits.

    ``actor``: of the staff's admin or finance. Raises :class:`BadBranding`.
    """
    check(brand)
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        before = current()
        if before == brand:
            return
        db.session.execute(update(Installation).values(issuer=_issuer(brand), logo=brand.logo))
        audit.record("branding.change", "installation", "issuer", before=_said(before), after=_said(brand))
        db.session.commit()


def check(brand: Brand) -> None:
    """Whether documents can show it. Raises :class:`BadBranding`, which names the field."""
    texts = {name: value for name, value in asdict(replace(brand, logo=None, legal={})).items() if value}
    if any(len(text) > LONGEST for text in texts.values()) or any(
        language not in LANGUAGES or len(text) > LONGEST_LEGAL for language, text in brand.legal.items()
    ):
        raise TooLong
    if brand.country and not _COUNTRY.fullmatch(brand.country):
        raise BadCountry
    if brand.electronic_address and not ELECTRONIC_ADDRESS.fullmatch(brand.electronic_address):
        raise BadElectronicAddress
    if brand.accent and not _COLOUR.fullmatch(brand.accent):
        raise BadColour
    if brand.accent and contrast_on_white(brand.accent) < TEXT_CONTRAST:
        raise PaleColour
    if brand.logo is not None:
        _check_logo(brand.logo)


def contrast_on_white(colour: str) -> float:
    """How much "#rrggbb" stands out from white, from 1 to 21, as WCAG 2 measures it."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(share: float) -> float:
    return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4


def _check_logo(content: bytes) -> None:
    """By what is in it: neither its name nor what the browser says of it counts. No SVG: it is a program, too."""
    if len(content) > LOGO_BYTES:
        raise BadLogo
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as image:
            if max(image.size) > LOGO_PIXELS:
                raise BadLogo
            image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BadLogo from error


def _issuer(brand: Brand) -> dict[str, Any]:
    values = asdict(brand)
    del values["logo"]
    return values


def _said(brand: Brand) -> dict[str, Any]:
    return {**_issuer(brand), "logo_bytes": len(brand.logo or b"")}
