"""What Odoo holds: its invoices above all; its users with their keys, and what was asked of it last."""

from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..engine.work import Work
from ..outside import moods
from ..outside.odoo import MOOD, VERSION, keys, schema, seeding
from ..outside.odoo.env import table
from ..outside.odoo.moves import MOVE
from ..world import World
from .moods import set_from_form
from .netbox import MODES
from .rendering import ENGLISH, page

_SHOWN = 50


def show(world: World, _request: Request) -> Response:
    """GET /odoo."""
    with world.store.transaction() as work:
        seeding.ensure(work)
        values: dict[str, Any] = {
            "records": [(model, len(table(work, model).rows())) for model in schema.MODELS],
            "moves": _moves(work),
            "users": _users(work),
            "mood": moods.current(work, MOOD),
        }
    return page(
        "odoo.html",
        ENGLISH,
        address=f"{world.store.public_url}/odoo",
        version=VERSION,
        database=seeding.DATABASE,
        calls=world.wire.entries(kind="outside", match="* /odoo/*", limit=_SHOWN),
        modes=MODES,
        **values,
    )


def set_mood(world: World, request: Request) -> Response:
    """POST /odoo/mood."""
    set_from_form(world, request, MOOD)
    return redirect("/odoo", 303)


def clear(world: World, _request: Request) -> Response:
    """POST /odoo/clear."""
    world.store.run(seeding.clear)
    return redirect("/odoo", 303)


def _moves(work: Work) -> list[dict[str, Any]]:
    partners = {row["id"]: row["name"] for row in table(work, "res.partner").rows()}
    currencies = {row["id"]: row["name"] for row in table(work, "res.currency").rows()}
    return [
        {
            "ref": None,
            "invoice_date": None,
            **move,
            "title": move.get("name") or "Draft",
            "partner": partners.get(move.get("partner_id"), ""),
            "currency": currencies.get(move["currency_id"], ""),
        }
        for move in table(work, MOVE).newest()[:_SHOWN]
    ]


def _users(work: Work) -> list[dict[str, Any]]:
    held = table(work, keys.KEYS).rows()
    return [
        {"is_admin": False, **user, "api_keys": [key for key in held if key["user_id"] == user["id"]]}
        for user in table(work, keys.USERS).rows()
    ]
