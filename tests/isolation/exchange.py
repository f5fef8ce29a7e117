"""Requests and answers as plain values: sent with any names at any place, compared without what always differs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any
from urllib.parse import quote, urlencode

from apiflask import APIFlask
from werkzeug.http import parse_cookie

from tests.support.people import Browser

FRAGMENT = {"HX-Request": "true", "HX-Request-Type": "partial"}
_SAME_REQUEST_ID = "the-same-request"
# When a page says as of when it is: each look is a moment later.
_AS_OF = re.compile(r'(?<=class="lead-text">)[^<]*<time[^>]*>[^<]*</time>')
# Signed with the time, to the second.
_TOKENS = re.compile(r"[\w-]{20,}\.[\w-]{6}\.[\w-]{27}")
# A form that makes something brings the id that it will have.
_ATTEMPT = re.compile(r'(?<=name="attempt" value=")[0-9a-f-]{36}')
_CHANGING = frozenset({"Date", "Content-Length"})


class Values:
    """Values that a request may hold, and what to put in their place; longer ones first, since some hold others."""

    def __init__(self, others: Mapping[str, str]) -> None:
        self._others = others
        self._plain = _any_of(others)
        self._written = _any_of({each for value in others for each in (value, _quoted(value), _quoted(_quoted(value)))})

    def swapped_in(self, text: str) -> str:
        """The text with the others."""
        return self._plain.sub(lambda found: self._others[found.group()], text)

    def removed_from(self, text: str) -> str:
        """The text without them, also where they are quoted for an address, and again for an address in it."""
        return self._written.sub("<sent>", text)


@dataclass(frozen=True)
class Sent:
    """One request. ``form`` and ``json`` exclude each other."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] | None = None
    json: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)

    def with_others(self, values: "Values") -> "Sent":
        """The same request with other values."""
        changed: Sent = _swapped(self, values)
        return changed

    def to(self, app: APIFlask, address: str) -> "Answer":
        """Send it from ``address`` and read the answer."""
        client = Browser(app, app.response_class, use_cookies=False)
        headers = {"X-Request-ID": _SAME_REQUEST_ID, **self.headers}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={quote(value, safe='.-_')}" for name, value in self.cookies.items())
        response = client.open(
            self.path,
            method=self.method,
            query_string=urlencode(self.query) or None,
            data=self.form,
            json=self.json,
            headers=headers,
            environ_base={"REMOTE_ADDR": address},
        )
        return _answer(app, response)


@dataclass(frozen=True)
class Answer:
    """What came back, tokens and dates left out, the session's cookie readable."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: str

    @property
    def location(self) -> str:
        return dict(self.headers).get("Location", "")

    def without(self, values: "Values") -> "Answer":
        """The answer as if these had not been sent."""
        headers = tuple((name, values.removed_from(text)) for name, text in self.headers)
        return replace(self, headers=headers, body=values.removed_from(self.body))

    def shows(self, marks: Iterable[str]) -> list[str]:
        """Which of the marks occur in body or headers."""
        text = "\n".join([self.body, *(value for _, value in self.headers)])
        return [mark for mark in marks if mark in text]

    def differs_from(self, other: "Answer") -> str:
        """What is not the same, in words; empty when all is."""
        if self.status != other.status:
            return f"status {self.status} instead of {other.status}"
        if self.headers != other.headers:
            return f"headers {sorted(set(self.headers) ^ set(other.headers))}"
        if self.body != other.body:
            pairs = enumerate(zip_longest(self.body, other.body))
            at = next(n for n, (mine, theirs) in pairs if mine != theirs)
            here = slice(max(0, at - 60), at + 60)
            return f"body …{self.body[here]!r} instead of …{other.body[here]!r}"
        return ""


def _answer(app: APIFlask, response: Any) -> Answer:
    length = [("Content-Length", response.headers.get("Content-Length", ""))] if not response.data else []
    headers = [(name, _readable(app, name, value)) for name, value in response.headers if name not in _CHANGING]
    coding = "latin-1" if response.data.startswith(b"%PDF") else "utf-8"
    body = response.data.decode(coding, "replace")
    for changing, plain in ((_TOKENS, "<token>"), (_AS_OF, "<now>"), (_ATTEMPT, "<attempt>")):
        body = changing.sub(plain, body)
    return Answer(response.status_code, tuple(sorted([*headers, *length])), body)


def _readable(app: APIFlask, name: str, value: str) -> str:
    """The session's cookie as what it says: signed anew each time, and whoever holds it can read it."""
    cookie = app.config["SESSION_COOKIE_NAME"]
    if name != "Set-Cookie" or not value.startswith(f"{cookie}="):
        return re.sub(r"(Expires=)[^;]*", r"\1", value)
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    signed = parse_cookie(value)[cookie]
    content = serializer.loads(signed) if signed else {}
    return repr(sorted((key, text) for key, text in content.items() if key != "csrf_token"))


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(each) for each in sorted(texts, key=len, reverse=True)))


def _quoted(value: str) -> str:
    return quote(value, safe="")


def _swapped(value: Any, values: Values) -> Any:
    if isinstance(value, Sent):
        return replace(value, **{name: _swapped(getattr(value, name), values) for name in value.__dataclass_fields__})
    if isinstance(value, str):
        return values.swapped_in(value)
    if isinstance(value, Mapping):
        return {key: _swapped(each, values) for key, each in value.items()}
    return value
