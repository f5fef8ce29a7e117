"""The HTTP server: one thread a connection; /v1 to the API, /_sandbox to the controls, then neighbours and pages."""

import json
import logging
import os
import socket
import struct
import threading
import time
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Request, Response

from . import control
from .hosts import Hosts, refusal
from .outside.neighbours import Neighbour
from .wire.api import Request as ApiRequest
from .wire.faults import Dropped
from .wirelog import Entry, Side
from .world import World

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from .pages.site import Site

log = logging.getLogger(__name__)
_LARGEST_BODY = 5 * 1024 * 1024


class Server:
    """Listens from the moment it is made, answers from `start` on."""

    def __init__(self, world: World) -> None:
        self._world = world
        # Bound here: werkzeug ends the process by itself when the port is taken.
        self._socket = listening(world.options.host, world.options.port)
        host, port = self._socket.getsockname()[:2]
        self._http = _Http(host, port, self, handler=_Handler, fd=self._socket.fileno())
        self.url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        options = world.options
        self._hosts = Hosts((options.host, host), options.public_url, options.allowed_hosts)

    @cached_property
    def _pages(self) -> "Site":
        """Made by the first page that is asked for: templates and rules would be a quarter of the start."""
        from .pages.site import Site

        return Site(self._world)

    def start(self) -> None:
        """Answers requests in threads of its own."""
        threading.Thread(target=self._http.serve_forever, name="http", daemon=True).start()

    @property
    def now(self) -> int:
        """The global clock, in UTC seconds."""
        return self._world.clock.now()

    def stop(self) -> None:
        """Takes no more requests."""
        self._http.shutdown()
        self._http.server_close()
        self._socket.close()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """The WSGI application. 421 under a name that is not the sandbox's, before anything is read."""
        called = environ.get("HTTP_HOST", "")
        if not self._hosts.knows(called):
            return Response(refusal(called), status=421, content_type="text/plain")(environ, start_response)
        request = Request(environ)
        if (request.content_length or 0) > _LARGEST_BODY:
            return Response("The body is too large.", status=413)(environ, start_response)
        if request.path.startswith(("/v1/", "/v2/")):
            return self._api(request, environ)(environ, start_response)
        if request.path.startswith("/_sandbox"):
            return control.answer(self._world, request)(environ, start_response)
        neighbour = self._world.neighbours.find(request.method, request.path)
        if neighbour is not None:
            return self._outside(neighbour, request, environ)(environ, start_response)
        return self._pages.answer(request)(environ, start_response)

    def _api(self, request: Request, environ: "WSGIEnvironment") -> Response:
        call = ApiRequest(
            method=request.method,
            path=request.path,
            query=request.query_string.decode("latin-1"),
            body=request.get_data(),
            headers=dict(request.headers.items()),
        )
        began = time.perf_counter()
        try:
            answer = self._world.api.handle(call)
        except Dropped as drop:
            time.sleep(drop.seconds)
            self._note(request, None, began)
            raise _reset(environ) from drop
        text = json.dumps(answer.body, indent=2, ensure_ascii=False)
        response = Response(text, status=answer.status, headers=answer.headers, content_type="application/json")
        self._note(request, response, began)
        return response

    def _outside(self, neighbour: Neighbour, request: Request, environ: "WSGIEnvironment") -> Response:
        began = time.perf_counter()
        try:
            response = self._world.neighbours.answer(neighbour, request)
        except Dropped as drop:
            time.sleep(drop.seconds)
            self._note(request, None, began, "outside")
            raise _reset(environ) from drop
        self._note(request, response, began, "outside")
        return response

    def _note(self, request: Request, response: Response | None, began: float, kind: str = "request") -> None:
        """Puts the exchange into the wire log; no response means that the connection was ended instead."""
        entry = Entry(
            kind,
            request.method,
            request.full_path.removesuffix("?"),
            Side.of(request.headers.items(), request.get_data()),
            None if response is None else Side.of(response.headers.items(), response.get_data()),
            None if response is None else response.status_code,
            time.perf_counter() - began,
            "the connection was ended on demand" if response is None else None,
        )
        self._world.wire.add(entry)


class _Http(ThreadedWSGIServer):
    daemon_threads = True


class _Handler(WSGIRequestHandler):
    # Without it a small answer waits 40 ms for the delayed acknowledgement of its header.
    disable_nagle_algorithm = True

    def connection_dropped(self, *_: Any) -> None:
        """Else it would look for the next request on a socket that is closed."""
        self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The `Date` of every answer is the sandbox's own, as Stripe's is Stripe's: clients can go by it."""
        return super().date_time_string(cast(Server, self.server.app).now if timestamp is None else timestamp)

    def log_request(self, code: Any = "-", size: Any = "-") -> None:
        log.debug("%s %s %s %s", self.command, self.path, code, size)


def listening(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    # 200 requests may arrive at once; what does not fit the queue would wait for a retransmission.
    bound.listen(1024)
    return bound


def _reset(environ: "WSGIEnvironment") -> ConnectionResetError:
    """Ends the connection hard: the client sees a reset, no answer."""
    connection: socket.socket = environ["werkzeug.socket"]
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not `close`: the handler's files keep the socket open, and the client would wait for its timeout.
    os.close(connection.detach())
    return ConnectionResetError("dropped on demand")
