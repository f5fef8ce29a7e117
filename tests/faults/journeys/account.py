"""What people do to their own account: how they read, the password, the sessions, which tenant they look at."""

from contextlib import suppress
from typing import Any

from apiflask import APIFlask

from tests.faults import forks
from tests.faults.acts import browser_with, signing_in
from tests.faults.forks import Act, Report
from tests.faults.journey import Journey
from tests.faults.journeys.password import NEW, verify_account_mails
from tests.support import database, people


class Account(Journey):
    """Each act in a browser that signs in anew: the one before may have died with its answer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.world.web.app_context():
            self.other_tenant = people.tenant()
            people.people.add_member(self.other_tenant, self.person.user_id, "owner")
            database.dispose(self.world.web)

    def live(self) -> None:
        self._do(lambda outcome: outcome.facts.get("refused") == [422], signing_in(self.person, "a wrong one"))
        self._do(lambda _: self._user("theme") == "dark", self._posting("/account/preferences", **PREFERENCES))
        before = self._user("password_hash")
        change = {"current_password": self.person.password, "new_password": NEW, "repeated": NEW}
        self._do(lambda _: self._user("password_hash") != before, self._posting("/account/password", **change))
        self._do(lambda _: self._is_elsewhere(), self._posting("/tenant", tenant_id=str(self.other_tenant)))
        session_id = self._running()[0]["id"]
        revoke = self._posting(f"/account/sessions/{session_id}/revoke")
        self._do(lambda _: session_id not in [row["id"] for row in self._running()], revoke)
        ending = self._posting("/account/sessions/revoke-others", "/sign-out")
        self._do(lambda outcome: outcome.facts.get("status") == [303, 303], ending)
        self.settle()

    def _do(self, found: Any, act: Act) -> None:
        # A quarter of an hour later each: tries that died are counted as failed ones.
        def step() -> Act:
            self.world.rows("DELETE FROM login_attempts RETURNING 1")
            return act

        self.until(found, step)

    def _posting(self, *urls: str, **form: str) -> Act:
        def act(app: APIFlask, report: Report) -> None:
            client = browser_with(app)
            for password in (NEW, self.person.password):
                if client.sign_in(self.person, password=password).status_code == 303:
                    break
            with suppress(IndexError):  # a page without a form: somebody else has ended this session
                for url in urls:
                    report(status=client.send(url, **form).status_code)

        return act

    def _user(self, column: str) -> Any:
        query = f"SELECT {column} FROM users WHERE id = :user"  # noqa: S608
        return self.world.rows(query, user=self.person.user_id)[0][column]

    def _running(self) -> list[dict[str, Any]]:
        query = "SELECT id, tenant_id FROM user_sessions WHERE user_id = :user AND revoked_at IS NULL ORDER BY id"
        return self.world.rows(query, user=self.person.user_id)

    def _is_elsewhere(self) -> bool:
        return self.other_tenant in [row["tenant_id"] for row in self._running()]

    def verify(self) -> None:
        """As it was wished; every act is in the audit once, and at most once more for each fault."""
        self.verify_nothing_is_left()
        assert (self._user("theme"), self._user("language")) == ("dark", "es")
        assert self._running() == []
        self.world.rows("DELETE FROM login_attempts RETURNING 1")
        assert forks.run(self.world.web, signing_in(self.person)).facts == {"refused": [422]}
        assert "cookies" in forks.run(self.world.web, signing_in(self.person, NEW)).facts
        verbs = ("user.preferences_changed", "password.changed", "tenant.entered")
        told = {verb: self._audits(verb) for verb in verbs}
        assert [verb for verb, times in told.items() if not 1 <= times <= 1 + self.faults] == [], told
        assert verify_account_mails(self) == {"mail.password_changed": told["password.changed"]}

    def _audits(self, verb: str) -> int:
        query = "SELECT count(*) AS n FROM audit_entries WHERE verb = :verb AND object_id = :user"
        return int(self.world.rows(query, verb=verb, user=str(self.person.user_id))[0]["n"])


PREFERENCES = {"language": "es", "format_locale": "es_ES", "timezone": "Europe/Madrid", "theme": "dark"}
