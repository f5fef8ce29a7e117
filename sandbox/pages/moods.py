"""The form that sets how a neighbour treats what comes next."""

from collections.abc import Collection

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Request

from ..outside import moods
from ..world import World


def set_from_form(world: World, request: Request, key: str, special: Collection[str] = ()) -> None:
    """Sets the mood of `key` to the form's `mode`; 400 for one that there is not."""
    try:
        world.store.run(moods.change, key, {"mode": request.form.get("mode", "normal")}, special)
    except ValueError as error:
        raise BadRequest(str(error)) from error
