"""The mailbox: what came, and how it treats mail."""

from fnmatch import fnmatchcase
from itertools import islice
from typing import Any

from ..engine.work import Work
from ..mail import KIND
from ..pages.letters import summary
from ..world import World
from .calls import Body, Route, count, known


def listing(world: World, body: Body) -> Any:
    """The mood and the mails, newest first; `to`, `from` and `subject` search (`*` wherever, case does not
    matter), `since` is a received_at in UTC seconds, `limit` how many at most.
    """
    known(body, "to", "from", "subject", "since", "limit")
    limit = count(body, "limit", 1000, most=10_000)
    since = float(body.get("since", 0))
    with world.store.transaction() as work:
        letters = list(work.all(KIND))
    fitting = (letter for letter in map(summary, letters) if _fits(letter, body) and letter["received_at"] >= since)
    return {**world.mailbox.mood.as_json(), "data": list(islice(fitting, limit))}


def show(world: World, _body: Body, letter_id: str) -> Any:
    """One mail."""
    with world.store.transaction() as work:
        return summary(work.read(KIND, letter_id))


def change(world: World, body: Body) -> Any:
    """Sets the mood; what is not given stays."""
    known(body, "mode", "times", "seconds", "recipients")
    world.mailbox.feel(world.mailbox.mood.changed(body))
    return world.mailbox.mood.as_json()


def forget(world: World, _body: Body) -> Any:
    """Throws all mails away."""
    return {"deleted": world.store.run(_forget)}


def _fits(letter: dict[str, Any], wanted: Body) -> bool:
    texts = {"to": letter["to"], "from": [letter["from"]], "subject": [letter["subject"]]}
    return all(
        any(fnmatchcase((text or "").lower(), wanted[name].lower()) for text in texts[name])
        for name in texts
        if name in wanted
    )


def _forget(work: Work) -> int:
    letters = list(work.all(KIND))
    for letter in letters:
        work.remove(KIND, letter["id"])
    return len(letters)


ROUTES: list[Route] = [
    ("GET", "/_sandbox/mail", listing),
    ("GET", "/_sandbox/mail/<letter_id>", show),
    ("DELETE", "/_sandbox/mail", forget),
    ("POST", "/_sandbox/mail", change),
]
