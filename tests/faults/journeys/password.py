"""A forgotten password: asked for, mailed, set, and signed in with."""

import re
from collections import Counter
from hashlib import sha256
from typing import Any

from tests.faults import forks
from tests.faults.acts import looking, posting, signing_in
from tests.faults.forks import Outcome
from tests.faults.journey import Journey

NEW = "another calm and exact one"
FORM = "/forgot-password"
_LINK = re.compile(r"/reset-password/([\w-]+)")


class Password(Journey):
    """By the link in the mail, while a session of somebody else is running."""

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            self.theirs = self.cookies
        self.until(_has_status(200), lambda: posting([], FORM, FORM, email=self.person.email))
        self.settle()
        link = f"/reset-password/{self._valid_token()}"
        # 410: an earlier try did it, and its answer was lost.
        self.until(_has_status(303, 410), lambda: posting([], link, FORM, new_password=NEW, repeated=NEW))
        self.cookies = self.until("cookies", lambda: signing_in(self.person, NEW))
        self.settle()

    def _letters(self) -> list[dict[str, Any]]:
        return [mail for mail in self.world.sandbox.get("mail")["data"] if self.person.email in mail["to"]]

    def _valid_token(self) -> str:
        """Of all that were mailed, the only one that is not void."""
        tokens = {found[1] for letter in self._letters() if (found := _LINK.search(letter["text"]))}
        (valid,) = [token for token in tokens if sha256(token.encode()).digest() in self._resets("used_at IS NULL")]
        return valid

    def _resets(self, condition: str) -> list[bytes]:
        query = f"SELECT token_hash FROM password_resets WHERE user_id = :user AND {condition}"  # noqa: S608
        return [bytes(row["token_hash"]) for row in self.world.rows(query, user=self.person.user_id)]

    def verify(self) -> None:
        """The new password opens, the old one, the links and the other session do not; it was told of once."""
        self.verify_nothing_is_left()
        web = self.world.web
        assert forks.run(web, signing_in(self.person)).facts == {"refused": [422]}
        assert "cookies" in forks.run(web, signing_in(self.person, NEW)).facts
        assert forks.run(web, looking(self.theirs, "/account")).facts == {"status": [302]}
        assert forks.run(web, looking(self.cookies, "/account")).facts == {"status": [200]}
        assert self._resets("used_at IS NULL") == []
        query = "SELECT count(*) AS n FROM audit_entries WHERE verb = 'password.reset' AND object_id = :user"
        assert self.world.rows(query, user=str(self.person.user_id))[0]["n"] == 1
        kinds = verify_account_mails(self)
        assert kinds["mail.password_changed"] == 1
        assert 1 <= kinds["mail.password_reset"] <= 1 + self.faults


def verify_account_mails(journey: Journey) -> Counter[str]:
    """What was owed to the person was mailed, with at most one repeat per fault; returns how much of each kind."""
    query = "SELECT id, kind, done_at FROM outbox WHERE kind LIKE 'mail.%' AND payload->>'user_id' = :user"
    owed = journey.world.rows(query, user=str(journey.person.user_id))
    assert [row for row in owed if row["done_at"] is None] == []
    names = {f"<{row['id']}@127.0.0.1>" for row in owed}
    letters = [mail for mail in journey.world.sandbox.get("mail")["data"] if journey.person.email in mail["to"]]
    copies = Counter(letter["headers"]["Message-ID"] for letter in letters)
    assert set(copies) == names
    assert copies.total() - len(copies) <= journey.faults, "at most one repeat per fault"
    return Counter(row["kind"] for row in owed)


def _has_status(*wanted: int) -> Any:
    def look(outcome: Outcome) -> bool:
        return outcome.facts.get("status", [0])[0] in wanted

    return look
