"""Slack: what came, how it treats what comes next, and the fate of single webhooks."""

from typing import Any

from ..outside import moods, slack
from ..outside.tables import Table
from ..world import World
from .calls import Body, Route, known


def listing(world: World, _body: Body) -> Any:
    """The mood, the webhooks that were set up, and the messages, newest first, with `read`: what a person sees."""
    with world.store.transaction() as work:
        messages = [{**row, "read": slack.readable(row["payload"])} for row in Table(work, slack.KIND).newest()]
        return {
            "mood": moods.current(work, slack.MOOD),
            "webhooks": [{**found, "path": found["id"]} for found in work.all(slack.WEBHOOKS)],
            "data": messages,
        }


def mood(world: World, body: Body) -> Any:
    """Sets how the next messages are treated: an HTTP status, slow, drop, lost_answer, or one of Slack's words."""
    return world.store.run(moods.change, slack.MOOD, body, slack.REFUSALS)


def webhook(world: World, body: Body) -> Any:
    """Gives one webhook a `channel`, or a `state` such as no_service."""
    known(body, "path", "channel", "state")
    return world.store.run(slack.set_webhook, body)


def forget(world: World, _body: Body) -> Any:
    """Throws all messages away; moods and webhooks stay."""
    with world.store.transaction() as work:
        return {"deleted": Table(work, slack.KIND).clear()}


ROUTES: list[Route] = [
    ("GET", "/_sandbox/slack", listing),
    ("DELETE", "/_sandbox/slack", forget),
    ("POST", "/_sandbox/slack/mood", mood),
    ("POST", "/_sandbox/slack/webhooks", webhook),
]
