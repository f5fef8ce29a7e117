"""Sends what the generator makes, each attempt beside its twin that names nobody's things, and judges the answers."""

from collections import Counter
from itertools import count
from types import TracebackType
from typing import Self

from apiflask import APIFlask
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.isolation import recipes
from tests.isolation.actors import Actor
from tests.isolation.attempts import SAFE, Attempt, Generator
from tests.isolation.exchange import Answer, Sent, Values
from tests.isolation.loot import missing_like, shape_of
from tests.isolation.world import TENANT_NAME, World

_REFUSED = (400, 401, 404, 405)
_MENU = Values({TENANT_NAME: ""})
_LOWEST_ROLE = "viewer"


class Attack:
    """``faults``: what is wrong, in words. ``tried``: how many attempts each actor made."""

    def __init__(self, world: World, app: APIFlask, generator: Generator) -> None:
        self.faults: list[str] = []
        self.tried: Counter[str] = Counter()
        self._world = world
        self._app = app
        self._generator = generator
        values = generator.loot.values
        nobodys = {value: missing_like(value) for value in values}
        self._nobodys = Values(nobodys)
        self._shapes = Values({value: f"<{shape_of(value)}>" for value in values})
        # Both removed from both answers: whoever belongs to both tenants reads hers in a menu, whatever was sent.
        self._sent = Values(dict.fromkeys((*values, *nobodys.values()), ""))
        self._answers_to_nobodys: dict[str, Answer] = {}
        # Each request from an address of its own: limits by address must not answer for the handlers.
        self._addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in count(1))
        self._owner = create_engine(world.settings.role_url("owner"), poolclass=NullPool).connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._owner.close()

    def run(self, actor: Actor) -> None:
        """All attempts of one actor."""
        for attempt in self._generator.attempts(actor):
            if _applies(attempt):
                self.tried[actor.name] += 1
                self._judge(attempt, self._send(attempt, attempt.sent))

    def _judge(self, attempt: Attempt, answer: Answer) -> None:
        if attempt.actor.standing == "within":
            self._expect_refusal_within(attempt, answer)
            return
        if attempt.actor.standing == "out":
            self._expect_out(attempt, answer)
        if attempt.actor.is_staff and attempt.guard is not None and attempt.guard.kind == "staff":
            return  # staff's pages show every tenant; that they show them to staff only, the other actors try
        self._expect_nothing_of_hers(attempt, answer)
        if difference := self._difference(attempt, answer):
            self.faults.append(f"{attempt} tells a thing of hers from a missing one: {difference}")

    def _difference(self, attempt: Attempt, answer: Answer) -> str:
        """In words. Asked again when there is one: pages say what was done a moment ago."""
        twin = attempt.sent.with_others(self._nobodys)
        if attempt.rule.endpoint in recipes.VOLATILE:
            return "" if answer.status == self._send(attempt, twin).status else "status"
        difference = answer.without(self._sent).differs_from(self._answer_to_nobodys(attempt, twin))
        for _ in range(2 if difference else 0):
            fresh = self._send(attempt, twin).without(self._sent)
            difference = self._send(attempt, attempt.sent).without(self._sent).differs_from(fresh)
        return difference

    def _answer_to_nobodys(self, attempt: Attempt, twin: Sent) -> Answer:
        """One answer serves all values of a shape."""
        key = f"{attempt.rule.endpoint} {attempt.sent.with_others(self._shapes)}"
        if key not in self._answers_to_nobodys:
            self._answers_to_nobodys[key] = self._send(attempt, twin).without(self._sent)
        return self._answers_to_nobodys[key]

    def _expect_nothing_of_hers(self, attempt: Attempt, answer: Answer) -> None:
        sent = repr(attempt.sent)
        marks = {mark for mark in self._generator.loot.marks if mark not in sent}
        if attempt.actor.belongs_to_both:  # whose menu names both tenants
            marks -= {TENANT_NAME, str(self._world.victim_id)}
            answer = answer.without(_MENU)
        if shown := answer.shows(marks):
            self.faults.append(f"{attempt} is shown {shown}")

    def _expect_out(self, attempt: Attempt, answer: Answer) -> None:
        needs = attempt.guard is not None and attempt.guard.kind in ("signed_in", "member", "staff")
        if needs and answer.status not in _REFUSED and not answer.location.startswith("/sign-in"):
            self.faults.append(f"{attempt} gets in: {answer.status}")

    def _expect_refusal_within(self, attempt: Attempt, answer: Answer) -> None:
        """The lowest role of the victim's own tenant may not do what needs a higher one, nor touch other people."""
        wanted = 403 if attempt.guard is not None and attempt.guard.roles else 404
        if answer.status != wanted:
            self.faults.append(f"{attempt} gets {answer.status} instead of {wanted}")

    def _send(self, attempt: Attempt, sent: Sent) -> Answer:
        if attempt.rule.endpoint in recipes.COUNTED:
            self._owner.execute(text("DELETE FROM login_attempts"))
            self._owner.commit()
        answer = sent.to(self._app, next(self._addresses))
        if attempt.rule.endpoint in recipes.ENDS_SESSION and sent.method not in SAFE:
            self._restore(attempt.actor)
        return answer

    def _restore(self, actor: Actor) -> None:
        """The session goes on as if it had not been ended; one that was over stays so."""
        if actor.standing != "out":
            restored = "UPDATE user_sessions SET revoked_at = NULL WHERE id = :id"
            self._owner.execute(text(restored), {"id": actor.session_id})
            self._owner.commit()


def _applies(attempt: Attempt) -> bool:
    guard, actor = attempt.guard, attempt.actor
    if actor.standing == "within":
        by_role = guard is not None and guard.kind in ("member", "staff")
        may_not = by_role and bool(guard.roles) and _LOWEST_ROLE not in guard.roles
        of_others = guard is not None and guard.kind == "signed_in" and bool(attempt.rule.arguments)
        return may_not or of_others
    return not (actor.belongs_to_both and attempt.rule.endpoint in recipes.OPEN_TO_MEMBERS_OF_BOTH)
