"""The database ends in the middle: what the reader sees, and that the next request is none the wiser."""

from apiflask import APIFlask
from sqlalchemy import create_engine, text

from portal.extensions import db
from portal.security.guards import public
from tests.support import people


def test_a_server_that_ends_after_the_answer_was_made_does_not_turn_it_into_an_error(app: APIFlask) -> None:
    """A page that only reads leaves its transaction to the end of the request; there is nothing to lose by then."""

    def read_and_lose() -> str:
        pid = db.session.scalar(text("SELECT pg_backend_pid()"))
        engine = create_engine(app.extensions["settings"].role_url("owner"))
        with engine.begin() as owner:
            owner.execute(text("SELECT pg_terminate_backend(:pid, 2000)"), {"pid": pid})
        engine.dispose()
        return "read"

    app.add_url_rule("/read-and-lose", "read_and_lose", public(read_and_lose))
    browser = people.browser(app)
    for _again in range(3):
        answer = browser.get("/read-and-lose")
        assert (answer.status_code, answer.text) == (200, "read")
