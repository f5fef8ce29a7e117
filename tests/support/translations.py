"""The catalogues: ``python -m tests.support.translations`` checks them, ``--update`` brings them up to date.

The check fails when a text of the code is missing in a catalogue or the other way round, and when an entry is
empty, fuzzy or has other placeholders than its English text. English is filled with the texts themselves.
There are no compiled files: :mod:`portal.i18n` reads the ``.po`` sources.
"""

import ast
import copy
import re
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.extract import extract_python as babel_extract_python
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from portal.config import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent.parent
CATALOGUES = ROOT / "translations"
KEYWORDS = {"_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2)}
# Portuguese of Brazil says zero in the singular; Babel's default for "pt" does not know that.
PLURALS = {
    "en": "nplurals=2; plural=(n != 1);",
    "es": "nplurals=2; plural=(n != 1);",
    "pt_BR": "nplurals=2; plural=(n > 1);",
}
_ERROR_TEXTS = ("message", "remedy")
_PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|\{(\w*)\}")


def extract_python(fileobj: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """Babel's extraction, plus the ``message`` and ``remedy`` of domain errors: they are marked by their place."""
    source = fileobj.read()
    yield from babel_extract_python(BytesIO(source), keywords, comment_tags, options)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            yield from _error_texts(node)


def extracted() -> Catalog:
    """Every text of the code and the templates."""
    found = Catalog(project="billing-portal", charset="utf-8")
    with (ROOT / "babel.cfg").open() as config:
        methods, options = parse_mapping_cfg(config)
    messages = extract_from_dir(str(ROOT), methods, options, keywords=KEYWORDS)
    for filename, _line, message, comments, context in sorted(messages, key=lambda entry: entry[:2]):
        found.add(message, None, [(filename, None)], auto_comments=comments, context=context)
    return found


def read(language: str) -> Catalog:
    """A language's catalogue; an empty one when there is no file yet."""
    path = _path(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as source:
        return read_po(source, locale=language)


def update(language: str, texts: Catalog) -> None:
    """Add new texts, drop those that are gone, keep what is translated. Nothing is guessed."""
    catalogue = read(language)
    # A copy: Babel would share the entries, and English would leak into the next language.
    catalogue.update(copy.deepcopy(texts), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    for message in catalogue:
        if message.id and language == "en":
            message.string = message.id
        if message.id and not message.string and message.pluralizable:
            message.string = ("",) * 2
    _path(language).parent.mkdir(parents=True, exist_ok=True)
    written = BytesIO()
    write_po(written, catalogue, width=110, sort_output=True, omit_header=True, include_lineno=False)
    header = (
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n'
        f'"Language: {language}\\n"\n"Plural-Forms: {PLURALS[language]}\\n"\n\n'
    )
    _path(language).write_bytes(header.encode() + written.getvalue().strip() + b"\n")


def faults(language: str, texts: Catalog) -> list[str]:
    """What keeps a catalogue from being complete and right."""
    catalogue = read(language)
    wanted, there = ({_key(message) for message in one if message.id} for one in (texts, catalogue))
    found = [f"{language}: missing: {key}" for key in sorted(map(str, wanted - there))]
    found += [f"{language}: no longer used: {key}" for key in sorted(map(str, there - wanted))]
    for message in catalogue:
        if message.id:
            found += [f"{language}: {fault}: {message.id}" for fault in _message_faults(message)]
    if (catalogue.num_plurals, _condition(catalogue.plural_expr)) != (2, _condition(PLURALS[language])):
        found.append(f"{language}: the plural rule must be {PLURALS[language]}")
    return found


def main(arguments: list[str]) -> int:
    """Check, after updating when asked to. Returns the exit code."""
    texts = extracted()
    if "--update" in arguments:
        for language in LANGUAGES:
            update(language, texts)
    found = [fault for language in LANGUAGES for fault in faults(language, texts)]
    print("\n".join(found) or f"{len(texts)} texts, complete in {', '.join(LANGUAGES)}")
    return 1 if found else 0


def _error_texts(node: ast.ClassDef) -> Iterator[Any]:
    for statement in node.body:
        target = statement.targets[0] if isinstance(statement, ast.Assign) else getattr(statement, "target", None)
        value = getattr(statement, "value", None)
        is_text = isinstance(target, ast.Name) and target.id in _ERROR_TEXTS and isinstance(value, ast.Constant)
        if is_text and isinstance(value.value, str) and value.value:
            yield statement.lineno, "gettext", value.value, []


def _message_faults(message: Message) -> Iterator[str]:
    strings = message.string if isinstance(message.string, list | tuple) else (message.string,)
    ids = message.id if isinstance(message.id, list | tuple) else (message.id,)
    if message.fuzzy:
        yield "fuzzy"
    if not all(strings):
        yield "empty"
    # Only the last form is compared: the one for exactly one may leave the number out.
    elif _placeholders(strings[-1]) != _placeholders(ids[-1]):
        yield "other placeholders"


def _placeholders(text: str) -> set[tuple[str, ...]]:
    return set(_PLACEHOLDER.findall(text))


def _key(message: Message) -> Any:
    return (message.context, tuple(message.id) if isinstance(message.id, list | tuple) else message.id)


def _condition(rule: str) -> str:
    return re.sub(r"[\s();]", "", rule.split("plural=", 1)[-1])


def _path(language: str) -> Path:
    return CATALOGUES / language / "LC_MESSAGES" / "messages.po"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
