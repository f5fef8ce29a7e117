"""Where a request may be sent back to: paths of this portal, nothing else."""

import re
from urllib.parse import unquote, urlsplit

from flask import Request
from werkzeug.urls import iri_to_uri

_MAX_LENGTH = 2000
# Printable ASCII of RFC 3986 only: browsers read "\" as "/" and drop tabs and newlines before they parse.
_PATH = re.compile(r"/(?!/)[A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*")
# Not a way back: they would end the session again or loop.
_NEVER = ("/sign-in", "/sign-out")


def safe_path(target: str | None) -> str | None:
    """``target`` if it is a local path that may be returned to, else ``None``.

    Judged as written and once more decoded, since a proxy on the way may decode it.
    """
    if not target or len(target) > _MAX_LENGTH or not _PATH.fullmatch(target):
        return None
    parts = urlsplit(target)
    decoded = unquote(unquote(parts.path))
    if parts.scheme or parts.netloc or "//" in decoded or "\\" in decoded or not decoded.isprintable():
        return None
    if ".." in decoded.split("/") or decoded.startswith(_NEVER):
        return None
    return target


def way_back(request: Request) -> str | None:
    """The page that an anonymous request came for, to return to after the sign-in.

    A fragment's page is the one that asked for it; a form that was sent cannot be sent again by a redirect.
    """
    if request.headers.get("HX-Request") == "true":
        current = urlsplit(request.headers.get("HX-Current-URL", ""))
        return safe_path(f"{current.path}?{current.query}" if current.query else current.path)
    if request.method not in ("GET", "HEAD"):
        return None
    target = iri_to_uri(request.full_path if request.query_string else request.path)
    return None if target == "/" else safe_path(target)
