"""The issuer's looks: entered by staff who may, looked at before they are saved, kept out of what is issued."""

import io
import struct
import zlib

import pypdf
import pytest
from sqlalchemy import select, text

from portal import tenancy
from portal.extensions import db
from portal.invoicing import branding
from portal.models import AuditEntry, Installation
from tests.support import html, people

PAGE = "/staff/branding"
PREVIEW = "/staff/branding/preview"
ENTERED = {
    "name": "NEO Stack, S.L.",
    "line1": "Calle de Alcalá 42",
    "postal_code": "28014",
    "city": "Madrid",
    "country": "ES",
    "tax_id": "ESB12345674",
    "email": "billing@neostack.example",
    "accent": "#0B6E4F",
    "footer": "Registro Mercantil de Madrid, hoja M-7890",
    "legal_es": "Operación sujeta a la normativa española.",
    "preview_language": "es",
}


def png(width: int = 4, height: int = 2) -> bytes:
    """A green picture."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = b"".join(b"\x00" + b"\x0b\x6e\x4f" * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.fixture(name="keeper")
def fixture_keeper(app):
    return people.browser(app, people.staff("finance"))


def post(browser, url=PAGE, logo: bytes | None = None, **changes):
    data = {**ENTERED, **changes, "csrf_token": browser.token(PAGE)}
    if logo is not None:
        data["logo"] = (io.BytesIO(logo), "logo.svg", "image/svg+xml")  # neither name nor type count
    return browser.post(url, data=data, content_type="multipart/form-data")


def stored(write) -> Installation:
    write.rollback()
    write.expire_all()
    return write.scalars(select(Installation)).one()


def test_it_is_saved_shown_again_and_audited(keeper, write):
    assert post(keeper, logo=png()).status_code == 303
    row = stored(write)
    assert (row.issuer["name"], row.issuer["accent"], row.logo) == ("NEO Stack, S.L.", "#0b6e4f", png())
    assert row.issuer["legal"] == {"es": "Operación sujeta a la normativa española."}
    page = html.page(keeper.get(PAGE))
    assert page.one(id="city")["value"] == "Madrid"
    assert "A logo is stored." in page.text
    entry = write.scalars(select(AuditEntry).where(AuditEntry.verb == "branding.change")).one()
    assert (entry.after["city"], entry.after["logo_bytes"]) == ("Madrid", len(png()))
    post(keeper)
    assert stored(write).logo == png(), "no file chosen: it stays"
    post(keeper, remove_logo="1")
    assert stored(write).logo is None


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"accent": "#ffcc00"}, "hard to read on white"),
        ({"accent": "red"}, "Enter a colour like"),
        ({"accent": "#000;}*{x:url(//a)"}, "Enter a colour like"),
        ({"country": "Spain"}, "two capital letters"),
        ({"name": "x" * 201}, "Field cannot be longer"),
        ({"logo": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"}, "must be a PNG or JPEG"),
        ({"logo": png()[:40]}, "must be a PNG or JPEG"),
        ({"logo": png(4001, 1)}, "must be a PNG or JPEG"),
        ({"logo": png() + b"x" * 204800}, "must be a PNG or JPEG"),
    ],
)
@pytest.mark.parametrize("url", [PAGE, PREVIEW])
def test_what_documents_cannot_show_is_refused(keeper, write, url, change, sentence):
    before = stored(write).issuer
    assert sentence in html.page(post(keeper, url, **change), 422).text
    assert stored(write).issuer == before


@pytest.mark.usefixtures("pdf")
def test_the_preview_shows_what_was_entered_and_saves_nothing(keeper, write):
    before = stored(write).issuer
    answer = post(keeper, PREVIEW, logo=png())
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    page = pypdf.PdfReader(io.BytesIO(answer.data)).pages[0]
    said = " ".join(page.extract_text().split())
    for part in ("Factura", "NEO Stack, S.L.", "28014 Madrid", "Registro Mercantil", "Operación sujeta"):
        assert part in said
    assert len(page.images) == 1
    assert stored(write).issuer == before


def test_others_see_nothing_of_it(app):
    for role in ("support", "read_only"):
        assert people.browser(app, people.staff(role)).get(PAGE).status_code == 403


def test_the_database_asks_who_it_is(app):
    looker, member = people.staff("support"), people.member()
    for person in (looker, member):
        with tenancy.bound(person.tenant_id or tenancy.PLATFORM, user_id=person.user_id):
            assert db.session.execute(text("UPDATE installation SET issuer = '{}', logo = NULL")).rowcount == 0


@pytest.mark.parametrize(
    ("colour", "contrast"), [("#ffffff", 1.0), ("#000000", 21.0), ("#767676", 4.54), ("#777777", 4.48)]
)
def test_contrast_is_measured_as_wcag_does(colour, contrast):
    assert branding.contrast_on_white(colour) == pytest.approx(contrast, abs=0.005)
