"""Two answers beside each other: what is missing, too much, of another type or of another value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# Made by chance or by the machine on each side; equal as soon as they are of the same kind.
_ID = re.compile(r"\b((?:upcoming_)?[a-z]{2,5}(?:_test|_live)?)_[A-Za-z0-9]{8,}(?![A-Za-z0-9])")
_ADDRESS = re.compile(r"https?://[^\s\"'<>]+")
_SECRET = re.compile(r"_secret_[A-Za-z0-9]+")
_NUMBER = re.compile(r"^[A-Z0-9]{8}-(\d{4}(?:-CN-\d\d)?)$")  # an invoice's or note's: the prefix is the customer's
# Of the account, the card network or the moment, and never of the rules.
_BY_CHANCE = frozenset(
    (
        "account_country", "account_name", "authorization_code", "available_on", "doc_url", "fingerprint",
        "invoice_prefix", "network_transaction_id", "receipt_url", "reference", "request_log_url", "risk_score",
        "seller_message", "url",
    )
)  # fmt: skip
_MOMENT = 1_500_000_000  # what is larger is a time, not an amount
_SECONDS = 120  # two sides are asked one after the other; what hangs on a test clock is equal to the second


@dataclass(frozen=True, slots=True)
class Difference:
    """At `path` the two sides do not agree; `kind`: missing, extra, type or value (as the sandbox
    has it), or unasked when an earlier failure left nothing to compare.
    """

    path: str
    kind: str
    stripe: Any
    sandbox: Any

    def __str__(self) -> str:
        return f"{self.kind:8} {self.path}: Stripe {_short(self.stripe)}, sandbox {_short(self.sandbox)}"


def differences(stripe: Any, sandbox: Any, path: str = "") -> Iterator[Difference]:
    """Every difference of two answers (JSON data), in the order of their paths."""
    if isinstance(stripe, dict) and isinstance(sandbox, dict):
        yield from _of_objects(stripe, sandbox, path)
    elif isinstance(stripe, list) and isinstance(sandbox, list):
        if len(stripe) != len(sandbox):
            yield Difference(f"{path}[]", "value", f"{len(stripe)} entries", f"{len(sandbox)} entries")
        for index, (one, other) in enumerate(zip(stripe, sandbox, strict=False)):
            yield from differences(one, other, f"{path}[{index}]")
    elif type(stripe) is not type(sandbox):
        yield Difference(path, "type", stripe, sandbox)
    elif not _are_alike(stripe, sandbox):
        yield Difference(path, "value", stripe, sandbox)


def _of_objects(stripe: dict[str, Any], sandbox: dict[str, Any], path: str) -> Iterator[Difference]:
    for name in sorted(stripe.keys() | sandbox.keys()):
        inner = f"{path}.{name}" if path else name
        if name not in sandbox:
            yield Difference(inner, "missing", stripe[name], None)
        elif name not in stripe:
            yield Difference(inner, "extra", None, sandbox[name])
        elif name not in _BY_CHANCE:
            yield from differences(stripe[name], sandbox[name], inner)


def _are_alike(one: Any, other: Any) -> bool:
    if isinstance(one, str):
        return _plain(one) == _plain(other)
    if type(one) is int and one > _MOMENT and other > _MOMENT:
        return bool(abs(one - other) <= _SECONDS)
    return bool(one == other)


def _plain(text: str) -> str:
    """The text without what chance made of it."""
    text = _SECRET.sub("_secret_…", _ADDRESS.sub("https://…", text))
    return _NUMBER.sub(r"…-\1", _ID.sub(r"\1_…", text))


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}…"
