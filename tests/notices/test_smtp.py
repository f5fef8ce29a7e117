"""Encryption and login as SMTP_STARTTLS, SMTP_USERNAME and SMTP_PASSWORD say, against real servers."""

import dataclasses
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from portal import config
from portal.notices.channels import smtp as channel
from portal.notices.channels.base import PermanentFailure, TemporaryFailure
from tests.support.mail import MailServer, mail_server

LOGIN = ("mailer", "s3cret pass%word")
# An address of this machine that is not written as one: it stands for a server somewhere else.
ELSEWHERE = "127.1"


@pytest.fixture(name="base", scope="module")
def fixture_base() -> config.Settings:
    return config.load(
        {
            "DATABASE_URL": "postgresql://portal@127.0.0.1/portal",
            "REDIS_URL": "redis://127.0.0.1",
            "STRIPE_API_KEY": "sk_test_1",
            "STRIPE_WEBHOOK_SECRET": "whsec_1",
            "SECRET_KEY": "x" * 32,
        }
    )


def send(base: config.Settings, server: MailServer, **changes: Any) -> None:
    values = {"smtp_host": "127.0.0.1", "smtp_port": server.port, **changes}
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = "a@portal.example", changes.pop("to", "b@acme.example"), "Hello"
    values.pop("to", None)
    mail.set_content("Hello")
    channel.send(mail, dataclasses.replace(base, **values))


@pytest.mark.parametrize(
    ("starttls", "offered", "encrypted"),
    [("auto", True, True), ("auto", False, False), ("on", True, True), ("off", True, False), ("off", False, False)],
)
def test_starttls_is_used_as_the_setting_says(base, tls, starttls, offered, encrypted):
    with mail_server(tls=tls if offered else None) as server:
        send(base, server, smtp_starttls=starttls)
    assert [letter.encrypted for letter in server.letters] == [encrypted]


def test_starttls_on_sends_nothing_without_it(base):
    with mail_server() as server, pytest.raises(TemporaryFailure, match="SMTP_STARTTLS=on"):
        send(base, server, smtp_starttls="on")
    assert server.letters == []


@pytest.mark.parametrize("starttls", ["auto", "on"])
def test_elsewhere_the_certificate_is_verified(base, tls, starttls):
    with mail_server(tls=tls) as server, pytest.raises(TemporaryFailure, match="CERTIFICATE_VERIFY_FAILED"):
        send(base, server, smtp_host=ELSEWHERE, smtp_starttls=starttls)
    assert server.letters == []


def test_the_login_is_used(base, tls):
    with mail_server(tls=tls, login=LOGIN) as server:
        send(base, server, smtp_username=LOGIN[0], smtp_password=LOGIN[1])
    assert [(letter.login, letter.encrypted) for letter in server.letters] == [(LOGIN[0], True)]


def test_no_login_without_a_user(base, tls):
    with mail_server(tls=tls) as server:
        send(base, server, smtp_password="left over")
    assert [letter.login for letter in server.letters] == [None]


def test_on_this_machine_the_login_may_go_unencrypted(base):
    with mail_server(login=LOGIN) as server:
        send(base, server, smtp_username=LOGIN[0], smtp_password=LOGIN[1])
    assert [letter.login for letter in server.letters] == [LOGIN[0]]


@pytest.mark.parametrize("starttls", ["auto", "off"])
def test_elsewhere_the_password_never_goes_unencrypted(base, starttls):
    with mail_server(login=LOGIN) as server, pytest.raises(TemporaryFailure, match="unencrypted"):
        send(base, server, smtp_host=ELSEWHERE, smtp_username=LOGIN[0], smtp_password=LOGIN[1], smtp_starttls=starttls)
    assert server.letters == []


def test_a_wrong_password_keeps_the_mail(base, tls):
    with mail_server(tls=tls, login=LOGIN) as server, pytest.raises(TemporaryFailure, match="535"):
        send(base, server, smtp_username=LOGIN[0], smtp_password="wrong")


def test_a_password_that_cannot_be_sent_keeps_the_mail(base, tls):
    with mail_server(tls=tls, login=LOGIN) as server, pytest.raises(TemporaryFailure, match="ASCII"):
        send(base, server, smtp_username=LOGIN[0], smtp_password="contraseña")


def test_a_server_that_wants_a_login_keeps_the_mail(base):
    with mail_server(login=LOGIN) as server, pytest.raises(TemporaryFailure, match="530"):
        send(base, server)


def test_port_465_is_encrypted_from_the_first_byte(base, tls, monkeypatch):
    with mail_server(tls=tls, implicit_tls=True) as server:
        monkeypatch.setattr(channel, "IMPLICIT_TLS_PORT", server.port)
        send(base, server, smtp_starttls="on")
    assert [letter.encrypted for letter in server.letters] == [True]


def test_a_closed_port_and_an_unknown_host_are_temporary(base):
    with mail_server() as server:
        pass
    with pytest.raises(TemporaryFailure, match="ConnectionRefused"):
        send(base, server)
    with pytest.raises(TemporaryFailure):
        send(base, server, smtp_host="mail.invalid")


def test_a_server_that_dribbles_is_left_in_time(base, monkeypatch):
    monkeypatch.setattr(channel, "TOTAL_SECONDS", 0.0)
    with mail_server() as server, pytest.raises(TemporaryFailure, match="too slow"):
        send(base, server)


def test_an_address_that_the_server_cannot_write_is_permanent(base):
    with mail_server() as server:
        server.answers["b@acme.example"] = "553 5.1.3 bad address"
        with pytest.raises(PermanentFailure, match="553"):
            send(base, server)
        send(base, server, to="c@acme.example")
    assert len(server.letters) == 1


@pytest.mark.parametrize(
    ("host", "expected"),
    [("localhost", True), ("LOCALHOST.", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True),
     ("mail.example", False), ("localhost.example", False), ("10.0.0.1", False), ("", False)],
)  # fmt: skip
def test_this_machine(host, expected):
    assert channel.is_loopback(host) is expected
