"""The tricks that may be played on webhooks: which are in force, and what a test may set.

They are stored with the state, so that held deliveries stay held over a restart, and snapshots bring them back.
"""

from collections.abc import Callable
from typing import Any

from ..engine.work import Obj, Work

_PLACE = ("_meta", "deliveries")
DEFAULTS: Obj = {
    "id": "deliveries",
    "mode": "normal",
    "duplicate": 1,
    "order": "normal",
    "shuffle": 0,
    "split": False,
    "api_version": None,
    "delay": 0,
    "suppress": [],
    "signature_age": 0,
    "redirect_first": 0,
    "redirect_waits": 10,
}
_DAY = 86400


def settings(work: Work) -> Obj:
    """The tricks in force."""
    return {**DEFAULTS, **(work.find(*_PLACE) or {})}


def put(work: Work, given: dict[str, Any]) -> Obj:
    """Sets what is given and leaves the rest; returns the stored settings. ValueError says what is wrong."""
    for name, value in given.items():
        if name not in _CHECKS:
            raise ValueError(f"unknown key {name!r}; known are: {', '.join(_CHECKS)}")
        fits, wanted = _CHECKS[name]
        if not fits(value):
            raise ValueError(f"{name} is {wanted}")
    return work.add(_PLACE[0], {**settings(work), **given})


def _number(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _whole(least: int, most: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _one_of(*names: str) -> Callable[[Any], bool]:
    return lambda value: value in names


def _patterns(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(pattern, str) for pattern in value)


_CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "mode": (_one_of("normal", "hold", "release", "drop"), "normal, hold, release or drop"),
    "duplicate": (_whole(1, 20), "1 to 20"),
    "order": (_one_of("normal", "reverse", "shuffle"), "normal, reverse or shuffle"),
    "shuffle": (_number(0, _DAY), "a number of seconds"),
    "split": (lambda value: isinstance(value, bool), "true or false"),
    "api_version": (lambda value: value is None or isinstance(value, str), "a version, or null"),
    "delay": (_number(0, _DAY), "a number of seconds"),
    "suppress": (_patterns, "a list of event types, with * where wanted"),
    "signature_age": (_whole(-_DAY, 366 * _DAY), "whole seconds, negative ones for a time to come"),
    "redirect_first": (_number(0, _DAY), "a number of seconds"),
    "redirect_waits": (_number(0, 60), "0 to 60 seconds"),
}
