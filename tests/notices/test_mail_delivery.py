"""What becomes of a notice: sent, tried again, refused, overtaken; and what a crash may cost."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy.engine import make_url

from portal.notices.carrying import FIRST_DELAY_SECONDS, LONGEST_DELAY_SECONDS, LONGEST_PAUSE_SECONDS
from tests.notices.conftest import environment

STATE = "SELECT state, error, sent_at FROM notices"
WAIT = "SELECT extract(epoch FROM next_at - now()) AS seconds, attempts, done_at, dead_at FROM outbox"
# The worker of another process, that does one piece of work; the test kills it while it waits for our answer.
WORKER = """
import jobs.mail
from portal.app import create_app
from portal.outbox import dispatch
app = create_app("worker")
with app.app_context():
    dispatch.run_next()
"""


@pytest.fixture(name="started")
def fixture_started(acme, tell):
    """A notice to one recipient that waits to be sent."""
    subscription_id = acme.subscription()
    tell(acme.tenant_id, "subscription_started", subscription_id)
    return subscription_id


def test_a_sent_notice_says_when(started, send, smtp, rows):
    send()
    row = rows(STATE)[0]
    assert (row.state, row.error) == ("sent", None)
    assert abs((datetime.now(UTC) - row.sent_at).total_seconds()) < 60
    assert [letter.recipients for letter in smtp.letters] == [("billing@acme.example",)]


def test_a_refused_connection_is_tried_again_without_counting(started, send, smtp, rows):
    smtp.stop()
    send()
    row = rows(WAIT)[0]
    assert FIRST_DELAY_SECONDS - 5 < row.seconds <= FIRST_DELAY_SECONDS
    assert (row.attempts, row.done_at, row.dead_at) == (0, None, None)
    assert rows(STATE)[0].state == "staged"


@pytest.mark.parametrize(
    ("age", "seconds"), [("2 minutes", 120), ("10 minutes", 600), ("1 day", LONGEST_DELAY_SECONDS)]
)
def test_the_delay_grows_with_the_outage(started, send, smtp, rows, age, seconds):
    smtp.stop()
    rows("UPDATE outbox SET created_at = now() - CAST(:age AS interval)", age=age)
    send()
    assert seconds - 5 < rows(WAIT)[0].seconds <= seconds + 5


def test_an_outage_of_a_day_heals_by_itself(started, send, smtp, rows, later):
    smtp.stop()
    for _ in range(25):
        later(3600)
        rows("UPDATE outbox SET next_at = now(), created_at = created_at - interval '1 hour'")
        send()
    smtp.start()
    later(LONGEST_PAUSE_SECONDS)
    rows("UPDATE outbox SET next_at = now()")
    send()
    assert rows(STATE)[0].state == "sent"
    assert len(smtp.letters) == 1


def _owe_notices(acme, tell, _ask):
    for number in range(4):
        acme.member(f"member-{number}@acme.example")
    tell(acme.tenant_id, "subscription_started", acme.subscription())


def _owe_passwords(acme, _tell, ask):
    """What anybody can cause, without signing in."""
    for number in range(4):
        ask(acme.member(f"member-{number}@acme.example"))


def _owe_both(acme, tell, ask):
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    _owe_passwords(acme, tell, ask)


@pytest.mark.parametrize("owe", [_owe_notices, _owe_passwords, _owe_both])
def test_a_server_that_is_away_is_asked_once_and_not_by_every_mail(
    acme, tell, ask, send, smtp, rows, later, monkeypatch, owe
):
    owe(acme, tell, ask)
    patience = "portal.notices.channels.smtp.TIMEOUT_SECONDS"
    monkeypatch.setattr(patience, 1.0)
    smtp.delay_seconds = 60
    send()
    assert smtp.offered == 1, "the others wait without having tried"
    for tries in (2, 2, 3):
        later(FIRST_DELAY_SECONDS + 1)
        rows("UPDATE outbox SET next_at = now()")
        send()
        assert smtp.offered == tries, "after its first pause it is asked again, and then less and less often"
    smtp.delay_seconds = 0
    monkeypatch.setattr(patience, 10.0)
    later(LONGEST_PAUSE_SECONDS)
    rows("UPDATE outbox SET next_at = now()")
    send()
    assert rows("SELECT count(*) AS owed FROM outbox WHERE done_at IS NULL")[0].owed == 0
    assert {row.state for row in rows(STATE)} <= {"sent"}


@pytest.mark.parametrize("answer", ["450 4.2.1 come back later", "451 4.7.1 greylisted"])
def test_a_temporary_refusal_is_tried_again(started, send, smtp, rows, answer):
    smtp.answers["billing@acme.example"] = answer
    send()
    assert rows(STATE)[0].state == "staged"
    assert rows("SELECT last_error FROM outbox")[0].last_error == answer
    smtp.answers.clear()
    rows("UPDATE outbox SET next_at = now()")
    send()
    assert rows(STATE)[0].state == "sent"


def test_a_refused_recipient_is_final_and_says_why(started, send, smtp, rows):
    smtp.answers["billing@acme.example"] = "550 5.1.1 no such mailbox"
    send()
    row = rows(STATE)[0]
    assert (row.state, row.error, row.sent_at) == ("failed", "550 5.1.1 no such mailbox", None)
    assert rows(WAIT)[0].done_at is not None
    assert smtp.letters == []


def test_a_refused_mail_is_final(started, send, smtp, rows):
    smtp.data_answer = "554 5.7.1 looks like spam"
    send()
    assert (rows(STATE)[0].state, rows(STATE)[0].error) == ("failed", "554 5.7.1 looks like spam")


def test_one_refused_recipient_keeps_no_other_from_its_mail(acme, tell, send, smtp, rows):
    acme.member("owner@acme.example")
    smtp.answers["billing@acme.example"] = "550 no"
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    send()
    found = rows("SELECT recipient, state FROM notices ORDER BY recipient")
    assert [tuple(row) for row in found] == [("billing@acme.example", "failed"), ("owner@acme.example", "sent")]


def test_no_transaction_is_open_while_smtp_talks(started, send, smtp, rows):
    seen = []
    query = (
        "SELECT state FROM pg_stat_activity WHERE application_name = 'portal-worker' AND datname = current_database()"
    )
    smtp.on_mail = lambda: seen.extend(row.state for row in rows(query))
    send()
    assert seen
    assert set(seen) == {"idle"}


def test_a_worker_killed_after_the_server_took_the_mail_repeats_it_once(started, settings, send, smtp, rows):
    """SMTP cannot be asked whether it took a mail: it is sent again, with the same Message-ID."""
    name = str(make_url(settings.database_url).database)
    process = subprocess.Popen([sys.executable, "-c", WORKER], env={**os.environ, **environment(name, smtp)})
    smtp.on_mail = lambda: os.kill(process.pid, signal.SIGKILL)
    assert process.wait(120) == -signal.SIGKILL
    smtp.on_mail = lambda: None
    assert rows(STATE)[0].state == "staged"
    assert send() == 0, "the dead worker's lease holds"
    rows("UPDATE outbox SET lease_until = now() - interval '1 second'")
    send()
    send()
    assert rows(STATE)[0].state == "sent"
    first, second = (letter.message for letter in smtp.letters)
    assert first["Message-ID"] == second["Message-ID"]


def test_a_slow_server_does_not_outlast_the_lease(started, send, smtp, rows, monkeypatch):
    monkeypatch.setattr("portal.notices.channels.smtp.TIMEOUT_SECONDS", 0.5)
    smtp.delay_seconds = 2
    send()
    assert rows(STATE)[0].state == "staged"
    assert "timed out" in rows("SELECT last_error FROM outbox")[0].last_error


def test_a_later_fact_overtakes_what_waits(acme, tell, send, smtp, rows):
    invoice_id = acme.invoice(status="open", attempt_count=1)
    tell(acme.tenant_id, "payment_failed", invoice_id, step="1")
    rows("UPDATE invoices SET status = 'paid'")
    send()
    assert smtp.letters == []
    assert (rows(STATE)[0].state, rows(STATE)[0].error) == ("overtaken", "the invoice is paid")


def test_of_two_failures_that_waited_only_the_last_is_told(acme, tell, send, smtp, rows):
    invoice_id = acme.invoice(status="open", attempt_count=1)
    tell(acme.tenant_id, "payment_failed", invoice_id, step="1")
    rows("UPDATE invoices SET attempt_count = 2")
    tell(acme.tenant_id, "payment_failed", invoice_id, step="2")
    send()
    assert [tuple(row) for row in rows("SELECT step, state FROM notices ORDER BY step")] == [
        ("1", "overtaken"),
        ("2", "sent"),
    ]


def test_a_start_that_has_ended_meanwhile_is_not_told(started, send, smtp, rows):
    rows("UPDATE subscriptions SET status = 'canceled'")
    send()
    assert smtp.letters == []
    assert rows(STATE)[0].state == "overtaken"


def test_what_does_not_exist_fails_once(acme, tell, send, rows):
    tell(acme.tenant_id, "invoice_issued", acme.tenant_id)
    send()
    assert (rows(STATE)[0].state, rows(STATE)[0].error) == ("failed", "there is no such invoice")


def test_an_address_that_no_mail_can_carry_fails_once(acme, tell, send, smtp, rows):
    rows("UPDATE billing_details SET email = E'a@b.example\\nBcc: c@d.example'")
    tell(acme.tenant_id, "subscription_started", acme.subscription())
    send()
    assert smtp.letters == []
    assert rows(STATE)[0].state == "failed"
