"""Pages as trees, on the standard library's parser: what tests look at instead of searching in text.

:func:`faults` holds the house rules of every page; :func:`page` applies it, so that no test sees a page that
breaks one.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

_VOID = frozenset({"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"})
_LABELLED = ("text", "email", "password", "search", "number", "date", "checkbox", "radio", "tel", "url")


@dataclass
class Element:
    """A tag with its attributes and children (elements and texts)."""

    tag: str
    attributes: dict[str, str]
    children: "list[Element | str]" = field(default_factory=list)
    parent: "Element | None" = None

    def __getitem__(self, name: str) -> str:
        return self.attributes[name]

    def get(self, name: str, default: str | None = None) -> str | None:
        return self.attributes.get(name, default)

    @property
    def classes(self) -> set[str]:
        return set(self.attributes.get("class", "").split())

    @property
    def text(self) -> str:
        """All text within, white space folded."""
        parts = (child if isinstance(child, str) else child.text for child in self.children)
        return " ".join(" ".join(parts).split())

    def walk(self) -> "Iterator[Element]":
        """Every element below, in document order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.walk()

    def all(self, tag: str = "", *, within: str = "", **attributes: Any) -> "list[Element]":
        """Elements below by tag and attributes: ``class_`` tests one class, ``True`` that it is there."""
        root = self.one(id=within) if within else self
        return [element for element in root.walk() if _matches(element, tag, attributes)]

    def one(self, tag: str = "", **attributes: Any) -> "Element":
        """The only such element; fails with what was found instead."""
        found = self.all(tag, **attributes)
        assert len(found) == 1, f"{len(found)} elements match {tag or '*'} {attributes} in: {self.text[:300]}"
        return found[0]

    def form(self, action: str) -> "Element":
        """The form that posts to a path."""
        return self.one("form", action=action)

    def fields(self) -> dict[str, str]:
        """What a form would send: its inputs' names and values, and those of its only button."""
        named = [element for element in self.walk() if element.tag in ("input", "button") and element.get("name")]
        return {element["name"]: element.get("value") or "" for element in named}


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("#document", {})
        self.at = self.root
        self.unbalanced: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=self.at)
        self.at.children.append(element)
        if tag not in _VOID:
            self.at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, parent=self.at)
        self.at.children.append(element)

    def handle_endtag(self, tag: str) -> None:
        if self.at.tag != tag:
            self.unbalanced.append(f"</{tag}> within <{self.at.tag}>")
            return
        self.at = self.at.parent or self.root

    def handle_data(self, data: str) -> None:
        self.at.children.append(data)


def parse(source: str) -> Element:
    """The document or fragment as a tree. Fails on tags that do not close in order."""
    builder = _Builder()
    builder.feed(source)
    builder.close()
    assert not builder.unbalanced, builder.unbalanced
    assert builder.at is builder.root, f"<{builder.at.tag}> is never closed"
    return builder.root


def page(response: Any, status: int = 200) -> Element:
    """The tree of a response with that status, which keeps the house rules."""
    assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
    tree = parse(response.text)
    assert not faults(tree), faults(tree)
    return tree


def faults(tree: Element) -> list[str]:
    """What breaks a rule that holds on every page and fragment."""
    ids = Counter(element["id"] for element in tree.walk() if element.get("id"))
    found = [f"id {name} is used {count} times" for name, count in ids.items() if count > 1]
    for element in tree.walk():
        found += _element_faults(element, tree)
    return found


def _element_faults(element: Element, tree: Element) -> Iterator[str]:
    name = f"<{element.tag} {element.attributes}>"
    if element.tag == "style" or "style" in element.attributes:
        yield f"inline style: {name}"
    if element.tag == "script" and not element.get("src"):
        yield f"inline script: {name}"
    if any(key.startswith(("on", "hx-on")) for key in element.attributes):
        yield f"inline handler: {name}"
    if element.tag in ("script", "link", "img") and urlsplit(element.get("src") or element.get("href") or "").netloc:
        yield f"a third party's file: {name}"
    if element.tag == "form" and element.get("method") != "dialog":
        yield from _form_faults(element, name)
    if element.tag in ("input", "select", "textarea") and element.get("type", "text") in _LABELLED:
        labels = {label.get("for") for label in tree.all("label")}
        if element.get("id") not in labels and not element.get("aria-label"):
            yield f"no label: {name}"


def _form_faults(form: Element, name: str) -> Iterator[str]:
    if not form.get("action") or not form.get("method"):
        yield f"a form needs an action and a method: {name}"
    if form.get("method") == "post" and not form.all("input", name="csrf_token"):
        yield f"no CSRF token: {name}"


def _matches(element: Element, tag: str, wanted: dict[str, Any]) -> bool:
    if tag and element.tag != tag:
        return False
    for key, value in wanted.items():
        name = key.rstrip("_").replace("_", "-") if key != "csrf_token" else key
        if name == "class":
            if value not in element.classes:
                return False
        elif (name in element.attributes) is not value if isinstance(value, bool) else element.get(name) != value:
            return False
    return True
