"""A log line: one JSON object, whose it is, and none of what must not be read."""

import json
import logging
import sys
from uuid import UUID

import pytest
from flask import g
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from portal import tenancy
from portal.extensions import db
from portal.logs import JsonFormatter, redact
from tests.support.shopping import make_tenant

TENANT = UUID("0190a000-0000-7000-8000-000000000001")


def line(formatter=None, message="hello", exc_info=None, **extra):
    record = logging.LogRecord("portal.test", logging.ERROR, __file__, 1, message, (), exc_info)
    vars(record).update(extra)
    text = (formatter or JsonFormatter()).format(record)
    assert "\n" not in text
    return json.loads(text)


def raised(error):
    try:
        raise error
    except type(error):
        return sys.exc_info()


def the_handlers_formatter():
    return logging.getLogger().handlers[0].formatter


@pytest.mark.parametrize(
    "secret",
    [
        "sk_test_51NabcdefGHIJKL",
        "rk_live_51NabcdefGHIJKL",
        "whsec_test_secret_of_the_portal",
        "whsec_abcdefGHIJKL",
        "portal_web:s3cret-word",
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "4242424242424242",
    ],
)
def test_secrets_are_masked_wherever_they_stand(secret):
    written = f"postgresql://{secret}@db/portal" if ":" in secret else f"refused: {secret}."
    for entry in (line(message=written), line(exc_info=raised(ValueError(written)))):
        assert secret not in json.dumps(entry)
        assert "[redacted]" in json.dumps(entry)


@pytest.mark.parametrize("words", ["flask_exporter", "flask_exporter_info 1.0", "task_running_again", "invoice 1042"])
def test_what_is_no_secret_stays(words):
    assert redact(words) == words


def test_an_exception_is_a_field_of_one_line():
    entry = line(exc_info=raised(ValueError("two\nlines")))
    assert entry["message"] == "hello"
    assert entry["level"] == "error"
    assert entry["exception"].startswith("Traceback")
    assert "two\nlines" in entry["exception"]


def test_a_request_gives_its_id_and_the_tenant(app):
    with app.test_request_context("/", headers={"X-Request-ID": "a-request-id"}):
        app.preprocess_request()
        g.tenant_id = TENANT
        entry = line(the_handlers_formatter())
    assert (entry["request_id"], entry["tenant_id"]) == ("a-request-id", str(TENANT))


def test_work_outside_requests_names_the_tenant_that_is_bound(web):
    tenant_id = make_tenant()
    with tenancy.bound(tenant_id):
        assert line(the_handlers_formatter())["tenant_id"] == str(tenant_id)
    assert "tenant_id" not in line(the_handlers_formatter())
    assert line(the_handlers_formatter(), tenant_id=TENANT)["tenant_id"] == str(TENANT)


def test_without_an_application_there_is_no_tenant_and_no_failure():
    assert "tenant_id" not in line(JsonFormatter(lambda: TENANT))


def test_rows_in_the_databases_errors_are_masked_and_their_reason_is_kept(web):
    # A table of its own: under row-level security PostgreSQL keeps these values to itself, on others it does not.
    db.session.execute(text("CREATE TEMPORARY TABLE people (email text UNIQUE)"))
    add = text("INSERT INTO people VALUES (:email)")
    values = {"email": "ann@example.com"}
    db.session.execute(add, values)
    with pytest.raises(DBAPIError, match=r"ann@example\.com") as caught:
        db.session.execute(add, values)
    written = line(exc_info=(caught.type, caught.value, caught.tb))["exception"]
    assert "violates unique constraint" in written
    assert "DETAIL: [redacted]" in written
    assert "ann@example.com" not in written
    assert "[SQL: INSERT INTO people" in written


def test_a_masked_row_may_have_lines_of_its_own():
    error = "violates check\nDETAIL:  Failing row contains (1, Ann,\n\n 5 Elm Street).\nCONTEXT:  SQL function"
    assert redact(error) == "violates check\nDETAIL: [redacted]\nCONTEXT:  SQL function"
