"""Log lines name requests without the secrets that stand in their addresses."""

import pytest
from apiflask import APIFlask

from portal.security import password_resets
from tests.support import people
from tests.support.people import PASSWORD, browser


def test_neither_reset_links_nor_passwords_nor_cookies_are_logged(
    app: APIFlask, worker: APIFlask, caplog: pytest.LogCaptureFixture
) -> None:
    member = people.member()
    with worker.app_context():
        token = password_resets.issue(member.user_id)
    client = browser(app)
    with caplog.at_level("INFO"):
        assert client.get(f"/reset-password/{token}").status_code == 200
        assert client.sign_in(member).status_code == 303
    paths = [getattr(record, "path", "") for record in caplog.records]
    assert "/reset-password/[redacted]" in paths
    text = " ".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name != "werkzeug")
    cookie = client.get_cookie("portal_session")
    assert cookie is not None
    for secret in (token, PASSWORD, cookie.value):
        assert secret not in text
