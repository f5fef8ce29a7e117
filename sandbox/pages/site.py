"""Routes of the pages."""

from werkzeug.wrappers import Request, Response

from ..world import World


class Site:
    def __init__(self, world: World) -> None:
        self._world = world

    def answer(self, request: Request) -> Response:
        return Response("not yet", status=404)
