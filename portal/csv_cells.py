"""Lines of comma-separated values that a spreadsheet opens and does not calculate."""

import csv
import io
from collections.abc import Iterable
from decimal import Decimal

# What a spreadsheet takes for a formula at the start of a cell (owasp.org/www-community/attacks/CSV_Injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(text: str) -> str:
    """A text that no spreadsheet calculates: one that begins like a formula gets an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(number: Decimal) -> str:
    """All digits, without an exponent and without zeros at the end."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def line(cells: Iterable[object]) -> str:
    """One line, quoted where it has to be (RFC 4180)."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerow(cells)
    return file.getvalue()
