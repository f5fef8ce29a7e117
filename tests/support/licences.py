"""The licences of what the portal runs on: ``python -m tests.support.licences`` checks them.

Each package that a portal installs has to be under a licence that goes with handing out the portal under MIT, or
stand in ``EXCEPTIONS`` with a reason. ``--update`` writes ``docs/licences.md``, the list for people, anew; the check
fails when it is out of date.
"""

import importlib.metadata
import sys
from dataclasses import dataclass
from email.message import Message

from license_expression import ExpressionError, Licensing, ParseError

from tests.support.requirements import ROOT, RUNTIME, pins

LISTING = ROOT / "docs" / "licences.md"
# Ask for no more than that their text and their authors' names are passed on.
ALLOWED = frozenset(
    {"0BSD", "Apache-2.0", "BSD", "BSD-2-Clause", "BSD-3-Clause", "HPND", "ISC", "MIT", "MIT-0", "MIT-CMU"}
    | {"PSF-2.0", "Unlicense", "Zlib"}
)
# One licence each, in the very words that the package has for it: a new licence is a new decision.
EXCEPTIONS = {
    "certifi": (
        "MPL-2.0",
        "Weak copyleft that ends at the file: unchanged, and installed from its own package beside ours.",
    ),
    "iso4217": (
        "Public Domain",
        "A list of currencies that anybody may use.",
    ),
    "python-stdnum": (
        "LGPL / LGPL-2.1-or-later",
        "A library that is imported at run time, unchanged, and that its user can exchange; not part of our source.",
    ),
    "saxonche": (
        "MPL-2.0",
        "The Home Edition of SaxonC. Weak copyleft that ends at the file: unchanged, installed from its own package.",
    ),
    "psycopg": (
        "LGPL-3.0-only",
        "A library that is imported at run time, unchanged, and that its user can exchange; not part of our source.",
    ),
    "psycopg-binary": (
        "LGPL-3.0-only",
        "The compiled part of psycopg: loaded at run time, unchanged, and exchangeable; not part of our source.",
    ),
    "pyphen": (
        "GPL-2.0-or-later / LGPL-2.1-or-later / MPL-1.1",
        "Offered under any one of the three; used under the MPL 1.1, unchanged. Loaded by WeasyPrint.",
    ),
}
# Packages whose metadata name no licence, with what their makers' pages say.
UNSAID = {"saxonche": "MPL-2.0"}
# What the classifiers and the free texts of older metadata mean.
_MEANINGS = {
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache2": "Apache-2.0",
    "BSD License": "BSD",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 1.1 (MPL 1.1)": "MPL-1.1",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
_CLASSIFIER = "License :: "
_HEAD = """\
# Licences

What an installed portal runs on, beside its own MIT: every package of `requirements.txt`, under the licence that its
metadata names. `./run test` refuses a package whose licence is unknown or does not go with MIT. None of them is part
of this source; each is installed from its own package, with its own licence text in its `dist-info` folder. Where a
package brings compiled programs or libraries (PostgreSQL, Valkey, libpq, OpenSSL), their texts are there too.

Written by `python -m tests.support.licences --update`.

| Package | Licence | Why it may be used |
|---|---|---|
"""


@dataclass(frozen=True)
class Licensed:
    """A package and its licence as an SPDX expression, or in its own words where these mean nothing to us."""

    name: str
    licence: str

    @property
    def fault(self) -> str:
        """What is wrong with it and what to do; empty when it may be used."""
        if self.licence and (allows(self.licence) or EXCEPTIONS.get(self.name, ("", ""))[0] == self.licence):
            return ""
        what = f"is under {self.licence!r}" if self.licence else "names no licence in its metadata"
        return (
            f"{self.name} {what}: read its licence; if it goes with MIT, enter it in ALLOWED, _MEANINGS or, with the "
            "reason, in EXCEPTIONS of tests/support/licences.py, else use another package."
        )

    @property
    def row(self) -> str:
        """Its line in the listing."""
        return f"| {self.name} | {self.licence} | {EXCEPTIONS.get(self.name, ('', ''))[1]} |"


def allows(expression: str) -> bool:
    """Whether SPDX expressions, ` / ` between them, can all be met with allowed licences; False for what is none."""
    try:
        parsed = [Licensing().parse(part) for part in expression.split(" / ")]
    except (ExpressionError, ParseError):
        return False
    return all(part is not None and _met(part) for part in parsed)


def _met(node: object) -> bool:
    parts = [_met(part) for part in getattr(node, "args", ())]
    if not parts:
        return str(node) in ALLOWED
    return any(parts) if getattr(node, "operator", "").strip() == "OR" else all(parts)


def licence_of(metadata: Message) -> str:
    """The licence that a distribution's metadata names; empty when it names none.

    ``License-Expression`` (PEP 639) speaks for itself. Of the older fields all that say something count: two
    classifiers may mean a choice or both, and only a person can tell: they stay apart, with ` / ` between them.
    """
    if expression := metadata.get("License-Expression"):
        return str(expression)
    classifiers = [
        line.rpartition(" :: ")[2] for line in metadata.get_all("Classifier", []) if line.startswith(_CLASSIFIER)
    ]
    named = {_MEANINGS.get(name, name) for name in classifiers if name != "OSI Approved"}
    text = metadata.get("License", "").strip()
    text = _MEANINGS.get(text, text)
    # Some put the whole text there: then a classifier has to say which one it is.
    if text and "\n" not in text and not (named and len(text) > 40):
        named = {name for name in named if not (name == "BSD" and text.startswith("BSD-"))} | {text}
    return " / ".join(sorted(named))


def runtime() -> list[Licensed]:
    """Every package that a portal on this machine installs."""
    names = sorted(pin.name for pin in pins(RUNTIME.read_text()) if pin.applies)
    return [Licensed(name, licence_of(importlib.metadata.metadata(name)) or UNSAID.get(name, "")) for name in names]


def faults(found: list[Licensed], listing: str) -> list[str]:
    """What is wrong with these licences and with the listing of them."""
    known = {pin.name for pin in pins(RUNTIME.read_text())} | {package.name for package in found}
    rows = [line for line in listing.splitlines() if line.startswith("| ") and not line.startswith("| Package ")]
    wrong = [package.fault for package in found if package.fault]
    # Another machine may install one or two more or less, so that a row is judged only where its package is known.
    stale = [package.name for package in found if package.row not in rows]
    stale += [name for row in rows if (name := row.split(" | ")[0][2:]) not in known]
    if stale:
        wrong.append(f"{LISTING.name} is out of date ({', '.join(stale)}): python -m tests.support.licences --update")
    return wrong


def main(arguments: list[str]) -> int:
    """Checks, or with ``--update`` writes the listing. Gives 1 when something is wrong."""
    found = runtime()
    if "--update" in arguments:
        LISTING.write_text(_HEAD + "".join(f"{package.row}\n" for package in found))
    wrong = faults(found, LISTING.read_text() if LISTING.exists() else "")
    print("\n".join(wrong) or f"{len(found)} packages, all under licences that go with MIT")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
