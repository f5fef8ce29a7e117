"""What NetBox holds, what changed there, and what was asked of it last."""

from typing import Any

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ..outside import moods
from ..outside.netbox import MOOD, VERSION, Database, seeding, tokens
from ..outside.netbox.answers import rendered
from ..outside.netbox.models import MODELS
from ..world import World
from .moods import set_from_form
from .rendering import ENGLISH, page

_SHOWN = 50
MODES = [
    ("normal", "as it should"),
    ("500", "500"),
    ("502", "502, as the web server in front of it"),
    ("503", "503"),
    ("slow", "slowly"),
    ("drop", "not at all"),
    ("lost_answer", "does it and loses the answer"),
]


def show(world: World, _request: Request) -> Response:
    """GET /netbox."""
    address = f"{world.store.public_url}/netbox"
    with world.store.transaction() as work:
        database = Database(work)
        seeding.ensure(database)
        tenant = MODELS["tenancy.tenant"]
        tenants = [rendered(database, address, tenant, row) for row in database.rows(tenant.label)[:_SHOWN]]
        values: dict[str, Any] = {
            "objects": [(name, len(database.rows(model.label))) for name, model in seeding.NAMES.items()],
            "changes": database.rows("core.objectchange")[: -_SHOWN - 1 : -1],
            "tokens": database.rows(tokens.TABLE),
            "mood": moods.current(work, MOOD),
        }
    calls = world.wire.entries(kind="outside", match="* /netbox/*", limit=_SHOWN)
    return page(
        "netbox.html",
        ENGLISH,
        address=address,
        version=VERSION,
        tenants=tenants,
        calls=calls,
        modes=MODES,
        **values,
    )


def set_mood(world: World, request: Request) -> Response:
    """POST /netbox/mood."""
    set_from_form(world, request, MOOD)
    return redirect("/netbox", 303)


def clear(world: World, _request: Request) -> Response:
    """POST /netbox/clear."""
    with world.store.transaction() as work:
        seeding.clear(Database(work))
    return redirect("/netbox", 303)
