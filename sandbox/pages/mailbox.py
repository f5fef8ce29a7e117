"""The mailbox: what the SMTP server caught, read without letting a mail run anything."""

import re

from werkzeug.exceptions import NotFound
from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine.work import Obj, Work
from ..mail import KIND
from ..world import World
from . import letters
from .rendering import ENGLISH, moment, page


def listing(world: World, _request: Request) -> Response:
    """GET /mailbox: newest first."""
    with world.store.transaction() as work:
        kept = list(work.all(KIND))
    shown = [{**letters.summary(letter), "at": moment(letter["received_at"])} for letter in kept]
    return page("mailbox.html", ENGLISH, letters=shown, mood=world.mailbox.mood, port=world.mailbox.port)


def show(world: World, _request: Request, letter_id: str) -> Response:
    """GET /mailbox/{id}: headers, text, HTML in a frame without rights, attachments."""
    letter = world.store.run(_letter, letter_id)
    return page("letter.html", ENGLISH, letter={**letters.summary(letter), "at": moment(letter["received_at"])})


def html(world: World, _request: Request, letter_id: str) -> Response:
    """GET /mailbox/{id}/html: the HTML body; no script, no form, nothing from elsewhere."""
    body = letters.body(letters.message(world.store.run(_letter, letter_id)), "html")
    if body is None:
        raise NotFound
    response = Response(body, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
    )
    return response


def raw(world: World, _request: Request, letter_id: str) -> Response:
    """GET /mailbox/{id}/raw: the message as it came."""
    letter = world.store.run(_letter, letter_id)
    return Response(letter["raw"].encode("latin-1"), content_type="text/plain; charset=latin-1")


def attachment(world: World, _request: Request, letter_id: str, number: int) -> Response:
    """GET /mailbox/{id}/attachments/{n}: always as a download."""
    parts = letters.attachments(letters.message(world.store.run(_letter, letter_id)))
    if number >= len(parts):
        raise NotFound
    name = re.sub(r"[^\w.\- ]", "_", parts[number].get_filename() or f"attachment-{number}", flags=re.ASCII)
    return Response(
        letters.content(parts[number]),
        content_type=parts[number].get_content_type(),
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def clear(world: World, _request: Request) -> Response:
    """POST /mailbox/clear."""
    with world.store.transaction() as work:
        for letter in list(work.all(KIND)):
            work.remove(KIND, letter["id"])
    return redirect("/mailbox", 303)


def _letter(work: Work, letter_id: str) -> Obj:
    return work.read(KIND, letter_id)
