"""What owners are told of API keys, by whoever they were made."""

import os
from pathlib import Path

import pytest

from portal.ids import uuid7
from portal.models import ApiKey
from tests.pages.rows import NOW

SHOTS = os.environ.get("SHOTS")  # a folder for mails to be looked at


@pytest.fixture(name="key")
def fixture_key(acme) -> ApiKey:
    made = ApiKey(
        tenant_id=acme.tenant_id, id=uuid7(), name="the server", shown="bp_test_aB3x", token_hash=b"\x00" * 32,
        scopes=["usage:write"], created_by=acme.member("ada@acme.example"), revoked_at=NOW,
    )  # fmt: skip
    acme.session.add(made)
    acme.session.commit()
    return made


@pytest.mark.parametrize(
    ("kind", "subject"),
    [("api_key_created", "An API key was made"), ("api_key_revoked", "An API key was revoked")],
)
def test_owners_are_told(acme, tell, send, smtp, key, kind, subject):
    acme.member("billing-only@acme.example", role="billing")
    tell(acme.tenant_id, kind, key.id)
    send()
    (letter,) = smtp.letters
    if SHOTS:
        (Path(SHOTS) / f"{kind}.html").write_text(letter.message.get_body(("html",)).get_content())
    assert (letter.message["To"], letter.message["Subject"]) == ("ada@acme.example", subject)
    for fact in ("Name: the server", "Begins with: bp_test_aB3x", "May: usage:write", "/api-keys"):
        assert fact in letter.text


def test_in_the_readers_language(acme, tell, send, smtp, key):
    acme.member("pessoa@acme.example", language="pt_BR", format_locale="pt_BR")
    tell(acme.tenant_id, "api_key_created", key.id)
    send()
    texts = {letter.message["To"]: letter.text for letter in smtp.letters}
    assert "Começa com: bp_test_aB3x" in texts["pessoa@acme.example"]
