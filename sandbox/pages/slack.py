"""What came to Slack, as a person would read it."""

import json

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..outside import moods, slack
from ..outside.tables import Table
from ..world import World
from .moods import set_from_form
from .rendering import ENGLISH, moment, page

# The address that Slack's own documentation prints; any other of the shape works as well.
_EXAMPLE = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
_MODES = [
    ("normal", "ok"),
    ("rate_limited", "429 rate_limited"),
    ("no_service", "404 no_service"),
    ("channel_is_archived", "410 channel_is_archived"),
    ("action_prohibited", "403 action_prohibited"),
    ("rollup_error", "500 rollup_error"),
    ("slow", "slowly"),
    ("drop", "not at all"),
    ("lost_answer", "takes it and loses the answer"),
]


def show(world: World, _request: Request) -> Response:
    """GET /slack: newest first."""
    with world.store.transaction() as work:
        rows = Table(work, slack.KIND).newest()
        webhooks = list(work.all(slack.WEBHOOKS))
        mood = moods.current(work, slack.MOOD)
    messages = [
        {
            **row,
            "at": moment(row["received_at"]),
            "read": slack.readable(row["payload"]),
            "json": json.dumps(row["payload"], indent=2, ensure_ascii=False),
        }
        for row in rows
    ]
    return page(
        "slack.html",
        ENGLISH,
        address=world.store.public_url + _EXAMPLE,
        messages=messages,
        modes=_MODES,
        mood=mood,
        webhooks=webhooks,
    )


def set_mood(world: World, request: Request) -> Response:
    """POST /slack/mood."""
    set_from_form(world, request, slack.MOOD, slack.REFUSALS)
    return redirect("/slack", 303)


def clear(world: World, _request: Request) -> Response:
    """POST /slack/clear."""
    with world.store.transaction() as work:
        Table(work, slack.KIND).clear()
    return redirect("/slack", 303)
