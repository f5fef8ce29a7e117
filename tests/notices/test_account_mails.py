"""Mails to one person about the account."""

import re

from portal import tenancy
from portal.extensions import db
from portal.security import password_resets
from portal.security.password_notices import tell_of_new_password

LINK = re.compile(r"https://billing\.portal\.example/reset-password/(\S+)")


def redeemable(app, token: str) -> bool:
    with app.app_context():
        return password_resets.is_redeemable(token)


def test_a_reset_link_arrives_and_works(app, acme, ask, send, smtp, rows):
    ask(acme.member("ana@acme.example"))
    send()
    (letter,) = smtp.letters
    token = LINK.search(letter.text)[1]
    assert letter.recipients == ("ana@acme.example",)
    assert letter.message["Subject"] == "Set a new password"
    assert "for 60 minutes" in letter.text
    assert redeemable(app, token)
    assert token not in str(rows("SELECT payload, last_error, key FROM outbox"))
    work_id = rows("SELECT id FROM outbox")[0].id
    assert letter.message["Message-ID"] == f"<{work_id}@billing.portal.example>"


def test_it_speaks_the_language_of_the_page(acme, ask, send, smtp):
    ask(acme.member("ana@acme.example", language="en"), language="pt_BR")
    send()
    assert smtp.letters[0].message["Content-Language"] == "pt-BR"


def test_an_unknown_language_is_the_users(acme, ask, send, smtp):
    ask(acme.member("ana@acme.example", language="es"), language="../x")
    send()
    assert smtp.letters[0].message["Content-Language"] == "es"


def test_after_an_outage_only_the_last_link_works(app, acme, ask, send, smtp, rows):
    ask(acme.member("ana@acme.example"))
    smtp.data_answer = "451 later"
    send()
    smtp.data_answer = ""
    rows("UPDATE outbox SET next_at = now()")
    send()
    assert redeemable(app, LINK.search(smtp.letters[0].text)[1])
    assert rows("SELECT count(*) AS n FROM password_resets WHERE used_at IS NULL")[0].n == 1


def test_a_disabled_user_gets_nothing(acme, ask, send, smtp, rows):
    user_id = acme.member("ana@acme.example")
    ask(user_id)
    rows("UPDATE users SET disabled_at = now()")
    send()
    assert smtp.letters == []
    assert rows("SELECT done_at FROM outbox")[0].done_at is not None


def test_a_refused_address_ends_the_work_and_is_not_logged(acme, ask, send, smtp, rows, caplog):
    ask(acme.member("ana@acme.example"))
    smtp.answers["ana@acme.example"] = "550 <ana@acme.example> unknown"
    send()
    assert rows("SELECT done_at FROM outbox")[0].done_at is not None
    assert "550 <<address>> unknown" in caplog.text
    assert "ana@" not in caplog.text


def test_a_changed_password_is_told(app, acme, send, smtp):
    user_id = acme.member("ana@acme.example", timezone="Europe/Madrid", format_locale="en_US")
    with app.app_context(), tenancy.bound(acme.tenant_id, user_id=user_id):
        tell_of_new_password(user_id, language="en")
        db.session.commit()
    send()
    (letter,) = smtp.letters
    assert letter.message["Subject"] == "Your password was changed"
    assert "Account: ana@acme.example" in letter.text
    assert re.search(r"Changed on: .*20\d\d.*[+]0[12]00", letter.text)
    assert "https://billing.portal.example/forgot-password" in letter.text
