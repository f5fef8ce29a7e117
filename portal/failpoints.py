"""Named points at which a process can be made to die, fail or stall: for fault tests, and free when off.

The points lie around every commit, every call to Stripe, SMTP, Redis and the renderer, and before every
acknowledgement. ``FAILPOINTS`` in the environment arms them (never in production)::

    FAILPOINTS="stripe.portal.billing.customers._create:after=kill"
    FAILPOINTS="commit.portal.outbox.*:before=raise@3; smtp.send:after=stall"
    FAILPOINTS="record:/tmp/points"          append the name of each point that is passed to this file

``kill`` is SIGKILL, ``stall`` SIGSTOP (whoever watches continues the process), ``raise`` an error as the place
knows it from real life, ``sleep:2.5`` that many seconds. ``@3``: at the third passing of this process, else the
first; each arming acts once in a process.

A commit's points are named after the function that commits, a Stripe call's after the one that calls: no list
of names has to be kept, and code that is new is covered by itself.
"""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm import Session

VARIABLE = "FAILPOINTS"
_OURS = ("portal", "blueprints", "jobs")

MakeError = Callable[[], Exception]


class Injected(RuntimeError):
    """What ``raise`` raises at points that do not say what fails there in real life."""


@dataclass(frozen=True)
class Arming:
    """At the ``nth`` passing of a point like ``pattern``: ``action``."""

    pattern: str
    action: str
    nth: int = 1


class _Armed:
    def __init__(self, armings: list[Arming], record: str | None) -> None:
        self._waiting = armings
        self._record = record
        self._passed: Counter[Arming] = Counter()

    def reach(self, name: str, make_error: MakeError) -> None:
        if self._record:
            with open(self._record, "a") as file:
                file.write(f"{name}\n")
        for arming in [entry for entry in self._waiting if fnmatchcase(name, entry.pattern)]:
            self._passed[arming] += 1
            if self._passed[arming] == arming.nth:
                self._waiting.remove(arming)
                _act(arming.action, name, make_error)


_armed: _Armed | None = None


def arm(specification: str) -> None:
    """Arm what ``specification`` says, in the syntax of this module's docstring; an empty one disarms.

    Raises :class:`ValueError` for what it does not understand.
    """
    global _armed  # one process, one plan
    armings: list[Arming] = []
    record = None
    for part in filter(None, (part.strip() for part in specification.split(";"))):
        if part.startswith("record:"):
            record = part.removeprefix("record:")
        else:
            armings.append(_parsed(part))
    was_off, _armed = _armed is None, _Armed(armings, record) if armings or record else None
    if was_off and _armed:
        # First of all listeners: between the commit and whatever follows from it.
        event.listen(Session, "before_commit", _before_commit, insert=True)
        event.listen(Session, "after_commit", _after_commit, insert=True)
    elif not was_off and not _armed:
        event.remove(Session, "before_commit", _before_commit)
        event.remove(Session, "after_commit", _after_commit)


def reach(name: str, make_error: MakeError | None = None) -> None:
    """This is the point ``name``. ``make_error`` makes what ``raise`` raises here."""
    if _armed is not None:
        _armed.reach(name, make_error or (lambda: Injected(name)))


@contextmanager
def around(name: str, make_error: MakeError | None = None) -> Iterator[None]:
    """Two points, ``<name>:before`` and ``<name>:after``; the second only when the block succeeded."""
    reach(f"{name}:before", make_error)
    yield
    reach(f"{name}:after", make_error)


def caller_name(function: Callable[..., Any]) -> str:
    """The function in which ``function``, a lambda, was written: what a call through it is named after."""
    return f"{function.__module__}.{function.__qualname__.split('.<locals>')[0]}"


def _parsed(part: str) -> Arming:
    pattern, separator, action = part.rpartition("=")
    action, _, nth = action.partition("@")
    if not separator or action.partition(":")[0] not in ("kill", "stall", "raise", "sleep"):
        raise ValueError(f"{VARIABLE} does not say kill, stall, raise or sleep:SECONDS in {part!r}")
    return Arming(pattern.strip(), action, int(nth or 1))


def _act(action: str, name: str, make_error: MakeError) -> None:
    kind, _, seconds = action.partition(":")
    if kind == "raise":
        raise make_error()
    if kind == "sleep":
        time.sleep(float(seconds))
    else:
        sys.stderr.write(f"failpoint {name}: {kind}\n")
        os.kill(os.getpid(), signal.SIGKILL if kind == "kill" else signal.SIGSTOP)


def _before_commit(_session: Session) -> None:
    reach(f"commit.{_committing()}:before")


def _after_commit(_session: Session) -> None:
    reach(f"commit.{_committing()}:after")


def _committing() -> str:
    """The function of ours that called ``commit``: the nearest one above SQLAlchemy and this module."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        frame = frame.f_back
        module = frame.f_globals.get("__name__", "")
        if module.partition(".")[0] in _OURS and module != __name__:
            return f"{module}.{frame.f_code.co_qualname}"
    return "unknown"
