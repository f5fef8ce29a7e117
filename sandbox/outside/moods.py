"""How a neighbour treats the next calls: as it should, with an error, slowly, or not at all."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from ..engine.work import Obj, Work

KIND = "_mood"
# Beside these every neighbour knows any HTTP status from 200 to 599, and some know modes of their own.
COMMON = ("normal", "slow", "drop", "lost_answer")
_STATUS = re.compile(r"[2-5]\d\d")
_DEFAULTS: Obj = {"mode": "normal", "times": None, "seconds": 20.0, "answers": []}


@dataclass(frozen=True, slots=True)
class Mood:
    """What happens to one call: `mode`, and for `slow` how many seconds."""

    mode: str = "normal"
    seconds: float = 0.0


def current(work: Work, key: str) -> Obj:
    """The mood that is set for `key`: a neighbour, or one of its receivers."""
    found = work.find(KIND, key) or {}
    return {name: found.get(name, default) for name, default in _DEFAULTS.items()}


def change(work: Work, key: str, given: dict[str, Any], special: Collection[str] = ()) -> Obj:
    """Sets what is given and leaves the rest. ValueError says what is wrong.

    `answers` is a list of modes for the next calls; then `mode` is in force, for `times` calls or for ever.
    """
    if unknown := set(given) - set(_DEFAULTS):
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known are: {', '.join(_DEFAULTS)}")
    mood = {**current(work, key), **({"times": None} if "mode" in given else {}), **given}
    if not isinstance(mood["answers"], list):
        raise TypeError("answers is a list of modes")
    mood["mode"], mood["answers"] = str(mood["mode"]), [str(mode) for mode in mood["answers"]]
    for mode in (mood["mode"], *mood["answers"]):
        if mode not in COMMON and mode not in special and not _STATUS.fullmatch(mode):
            raise ValueError(f"a mode is an HTTP status or one of {', '.join((*COMMON, *special))}; not {mode!r}")
    if mood["times"] is not None and not (isinstance(mood["times"], int) and mood["times"] > 0):
        raise ValueError("times is how many calls, or null for all")
    mood["seconds"] = float(mood["seconds"])
    work.add(KIND, {"id": key, **mood})
    return mood


def take(work: Work, key: str) -> Mood:
    """The mood for one call, used up by it."""
    mood = current(work, key)
    if mood["answers"]:
        mode, *rest = mood["answers"]
        work.add(KIND, {"id": key, **mood, "answers": rest})
        return Mood(mode, mood["seconds"])
    taken = Mood(mood["mode"], mood["seconds"])
    if mood["times"] is not None:
        left = mood["times"] - 1
        work.add(KIND, {"id": key, **mood, **({"times": left} if left else {"mode": "normal", "times": None})})
    return taken
