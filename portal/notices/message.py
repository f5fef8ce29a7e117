"""A message as every channel gets it: texts in the reader's language, amounts already formatted."""

import re
from dataclasses import dataclass
from typing import Literal

Tone = Literal["calm", "good", "warn"]

# Line breaks in a name would forge lines of the text part; overrides of direction show amounts reversed.
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_OVERRIDES = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


class Overtaken(Exception):
    """Raised while composing: a later fact made the message untrue, so that it must not leave."""


class NotComposable(Exception):
    """Raised while composing: what the message is about does not exist; trying again will not help."""


def one_line(text: str) -> str:
    """The text on one line: line breaks and control characters become a space, direction overrides go."""
    return _BREAKS.sub(" ", _OVERRIDES.sub("", text)).strip()


@dataclass(frozen=True)
class Fact:
    """One labelled detail, such as the invoice's number."""

    label: str
    value: str


@dataclass(frozen=True)
class Button:
    """The one thing to do next; ``url`` is absolute."""

    label: str
    url: str


@dataclass(frozen=True)
class Attachment:
    """A file that goes with the message, byte for byte as it is stored."""

    filename: str
    content: bytes
    media_type: str = "application/pdf"


@dataclass(frozen=True)
class Message:
    """What is said. ``amount`` is the one big figure, empty when there is none; ``why`` says why the reader gets it."""

    subject: str
    title: str
    paragraphs: tuple[str, ...]
    why: str
    button: Button
    amount: str = ""
    facts: tuple[Fact, ...] = ()
    tone: Tone = "calm"
    attachments: tuple[Attachment, ...] = ()

    def __post_init__(self) -> None:
        # Here and not where each text is made: a name that somebody forgot to clean must not get through.
        for name in ("subject", "title", "why", "amount"):
            object.__setattr__(self, name, one_line(getattr(self, name)))
        object.__setattr__(self, "paragraphs", tuple(one_line(text) for text in self.paragraphs))
        facts = tuple(Fact(one_line(fact.label), one_line(fact.value)) for fact in self.facts)
        object.__setattr__(self, "facts", facts)
