"""Which names a handler asks its request for: found by asking back, so that no list of them has to be kept."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from apiflask import APIFlask
from flask import Request
from werkzeug.datastructures import EnvironHeaders, ImmutableMultiDict
from werkzeug.utils import cached_property

Note = Callable[[str], None]
_NEVER_IDS = frozenset({"csrf_token", "session", "portal_session", "__Host-session"})
_OWN_HEADERS = ("X-", "HX-")


class Asked(ImmutableMultiDict[str, Any]):
    """A form or query string that notes every name that it is asked for."""

    note: Note

    def get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        self.note(key)
        return super().get(key, *args, **kwargs)

    def getlist(self, key: str, *args: Any, **kwargs: Any) -> list[Any]:
        self.note(key)
        return super().getlist(key, *args, **kwargs)

    def __getitem__(self, key: str) -> Any:
        self.note(key)
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.note(str(key))
        return super().__contains__(key)


class AskedHeaders(EnvironHeaders):
    """The same for headers; only those that a handler of ours would look for."""

    note: Note

    def __getitem__(self, key: Any) -> str:
        if str(key).startswith(_OWN_HEADERS):
            self.note(str(key))
        return super().__getitem__(key)


@contextmanager
def probed(app: APIFlask) -> Iterator[dict[tuple[str, str], set[str]]]:
    """Note, for each endpoint and place ("query", "form", "cookie", "header"), the names that are asked for."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    before = app.request_class
    app.request_class = _request_class(before, found)
    try:
        yield found
    finally:
        app.request_class = before


def _request_class(base: type[Request], found: dict[tuple[str, str], set[str]]) -> type[Request]:
    class Probing(base):  # type: ignore[misc, valid-type]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.headers = AskedHeaders(self.environ)
            self.headers.note = self._noting("header")

        def _noting(self, place: str) -> Note:
            def note(name: str) -> None:
                if self.endpoint and name not in _NEVER_IDS:
                    found[self.endpoint, place].add(name)

            return note

        def _asked(self, values: Any, place: str) -> Asked:
            asked = Asked(values)
            asked.note = self._noting(place)
            return asked

        @cached_property
        def args(self) -> Asked:
            return self._asked(super().args, "query")

        @cached_property
        def cookies(self) -> Asked:
            return self._asked(super().cookies, "cookie")

        def _load_form_data(self) -> None:
            if "form" not in self.__dict__:
                super()._load_form_data()
                self.__dict__["form"] = self._asked(self.__dict__["form"], "form")

    return Probing
