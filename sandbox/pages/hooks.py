"""What came to the receivers for signed webhooks, with the signature as it came."""

from typing import Any

from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine.work import Work
from ..outside import hooks, moods
from ..outside.tables import Row, Table
from ..world import World
from .moods import set_from_form
from .rendering import ENGLISH, moment, page

_MODES = [
    ("normal", "200"),
    ("204", "204"),
    ("400", "400"),
    ("404", "404"),
    ("410", "410"),
    ("429", "429"),
    ("500", "500"),
    ("503", "503"),
    ("slow", "slowly"),
    ("drop", "not at all"),
    ("lost_answer", "keeps it and loses the answer"),
]


def listing(world: World, _request: Request) -> Response:
    """GET /hooks: every receiver that got something or was set up."""
    with world.store.transaction() as work:
        receivers = _receivers(work)
    return page("hooks.html", ENGLISH, address=f"{world.store.public_url}/hooks", receivers=receivers)


def show(world: World, _request: Request, name: str) -> Response:
    """GET /hooks/{name}: newest first."""
    if not hooks.NAMES.fullmatch(name):
        raise NotFound
    with world.store.transaction() as work:
        rows = [row for row in Table(work, hooks.KIND).newest() if row["name"] == name]
        mood = moods.current(work, hooks.mood_key(name))
    received = [{**hooks.told(row), "at": moment(row["received_at"])} for row in rows]
    return page("hook.html", ENGLISH, name=name, received=received, mood=mood, modes=_MODES)


def set_mood(world: World, request: Request, name: str) -> Response:
    """POST /hooks/{name}/mood."""
    if not hooks.NAMES.fullmatch(name):
        raise NotFound
    set_from_form(world, request, hooks.mood_key(name))
    return redirect(f"/hooks/{name}", 303)


def clear(world: World, _request: Request, name: str) -> Response:
    """POST /hooks/{name}/clear."""
    with world.store.transaction() as work:
        table = Table(work, hooks.KIND)
        for row in table.rows():
            if row["name"] == name:
                table.remove(row["id"])
    return redirect(f"/hooks/{name}", 303)


def _receivers(work: Work) -> list[dict[str, Any]]:
    by_name: dict[str, list[Row]] = {}
    for row in Table(work, hooks.KIND).newest():
        by_name.setdefault(row["name"], []).append(row)
    prefix = hooks.mood_key("")
    for mood in work.all(moods.KIND):
        if mood["id"].startswith(prefix):
            by_name.setdefault(mood["id"].removeprefix(prefix), [])
    return [
        {
            "name": name,
            "count": len(rows),
            "at": moment(rows[0]["received_at"]) if rows else "",
            "mode": moods.current(work, hooks.mood_key(name))["mode"],
        }
        for name, rows in by_name.items()
    ]
