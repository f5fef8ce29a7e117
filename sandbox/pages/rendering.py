"""Templates and headers shared by all pages."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from werkzeug.wrappers import Response

from .texts import LANGUAGES, Words

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
ENGLISH = Words(LANGUAGES[0])

# The pages for whoever works with the sandbox: name, path, what the navigation calls it.
TOOLS = [
    ("index", "/", "Control room"),
    ("wire", "/wire", "Wire"),
    ("events", "/events", "Events"),
    ("mailbox", "/mailbox", "Mailbox"),
    ("slack", "/slack", "Slack"),
    ("netbox", "/netbox", "NetBox"),
    ("odoo", "/odoo", "Odoo"),
    ("hooks", "/hooks", "Receivers"),
]
_TEMPLATES.globals["tools"] = TOOLS


def page(
    template: str, words: Words, *, status: int = 200, goes_to: tuple[str, ...] = (), **values: object
) -> Response:
    """A rendered page. `goes_to`: addresses that its forms end at, for the content security policy."""
    response = Response(html(template, words, **values), status=status, content_type="text/html; charset=utf-8")
    # Chromium holds redirects after a form to form-action too, so the shop's origin has to be named.
    targets = " ".join(sorted({"'self'", *(_origin(url) for url in goes_to)}))
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-src 'self'; "
        f"form-action {targets}; base-uri 'none'; frame-ancestors 'none'"
    )
    return response


def html(template: str, words: Words, **values: object) -> str:
    """A rendered template."""
    return _TEMPLATES.get_template(template).render(t=words, **values)


def moment(seconds: float) -> str:
    """A real time for people, `2026-11-23 05:40:00 UTC`, from UTC seconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def secured(response: Response) -> Response:
    """Adds the headers that every page has; a page's own policy stays."""
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Not `no-referrer`: browsers then send `Origin: null` with our own forms, which looks foreign.
    response.headers["Referrer-Policy"] = "same-origin"
    return response


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
