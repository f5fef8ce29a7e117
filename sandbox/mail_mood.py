"""How the mailbox treats mail now: which mode, for how many mails, and whom it does not know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

MODES = ("normal", "reject", "temporary", "slow", "lost_answer", "off")
_ENHANCED = {450: "4.2.1", 451: "4.7.1", 452: "4.2.2", 550: "5.1.1", 552: "5.2.2", 553: "5.1.3"}
_SAID = {
    450: "The mailbox is busy, try again later",
    451: "Not now, try again later",
    452: "The mailbox is full",
    550: "Nobody of that name here",
    552: "The mailbox is over its limit",
    553: "That is no address",
}


@dataclass(frozen=True, slots=True)
class Mood:
    """`mode` is one of MODES; `times` mails are treated so and then it is normal again (None: for ever).

    `seconds` is how long `slow` waits. `recipients` maps address patterns (`*` wherever, without regard to case)
    to the SMTP code, 400 to 599, that refuses them when they are named; the others of the same mail are taken.
    """

    mode: str = "normal"
    times: int | None = None
    seconds: float = 20.0
    recipients: Mapping[str, int] = field(default_factory=dict)

    def changed(self, given: dict[str, Any]) -> "Mood":
        """With what is given and the rest as it was; ValueError says what is wrong."""
        mode = str(given.get("mode", self.mode))
        if mode not in MODES:
            raise ValueError(f"mode is one of {', '.join(MODES)}")
        times = given.get("times", self.times if "mode" not in given else None)
        if times is not None and (not isinstance(times, int) or times < 1):
            raise ValueError("times is how many mails, or null for all")
        recipients = given.get("recipients", self.recipients)
        if not isinstance(recipients, Mapping) or not all(_is_refusal(code) for code in recipients.values()):
            raise ValueError('recipients is {"address or pattern": code}, with codes from 400 to 599')
        return Mood(mode, times, float(given.get("seconds", self.seconds)), dict(recipients))

    def after_one(self) -> "Mood":
        """The mood for the next mail."""
        if self.times is None:
            return self
        if self.times > 1:
            return Mood(self.mode, self.times - 1, self.seconds, self.recipients)
        return Mood("normal", None, self.seconds, self.recipients)

    def refusal_of(self, address: str) -> str | None:
        """The answer to RCPT for an address it refuses, None for one that it takes."""
        for pattern, code in self.recipients.items():
            if fnmatchcase(address.lower(), pattern.lower()):
                status = _ENHANCED.get(code, f"{code // 100}.0.0")
                return f"{code} {status} {_SAID.get(code, 'The sandbox refuses, as a test asked it to')}"
        return None

    def as_json(self) -> dict[str, Any]:
        """For the control API."""
        return {
            "mode": self.mode,
            "times": self.times,
            "seconds": self.seconds,
            "recipients": dict(self.recipients),
        }


def _is_refusal(code: Any) -> bool:
    return isinstance(code, int) and 400 <= code <= 599
