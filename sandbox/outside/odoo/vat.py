"""Odoo's check of VAT numbers, as far as it goes offline: shapes in the EU and beyond, check digits for Spain.

Sources: the shapes are those of the VIES FAQ; the Spanish control characters are those of the tax agency's NIF.
Other countries' check digits are not modelled, so more passes here than in a real Odoo.
"""

import re

_SHAPES = {
    "AT": r"U\d{8}", "BE": r"[01]\d{9}", "BG": r"\d{9,10}", "CY": r"\d{8}[A-Z]", "CZ": r"\d{8,10}", "DE": r"\d{9}",
    "DK": r"\d{8}", "EE": r"\d{9}", "EL": r"\d{9}", "ES": r"[A-Z0-9]\d{7}[A-Z0-9]", "FI": r"\d{8}",
    "FR": r"[A-HJ-NP-Z0-9]{2}\d{9}", "HR": r"\d{11}", "HU": r"\d{8}", "IE": r"\d[A-Z0-9+*]\d{5}[A-Z]{1,2}",
    "IT": r"\d{11}", "LT": r"\d{9}|\d{12}", "LU": r"\d{8}", "LV": r"\d{11}", "MT": r"\d{8}", "NL": r"\d{9}B\d{2}",
    "PL": r"\d{10}", "PT": r"\d{9}", "RO": r"\d{2,10}", "SE": r"\d{12}", "SI": r"\d{8}", "SK": r"\d{10}",
    "XI": r"\d{9}|\d{12}|GD\d{3}|HA\d{3}", "GB": r"\d{9}|\d{12}|GD\d{3}|HA\d{3}",
}  # fmt: skip
_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CONTROL = "JABCDEFGHI"


def problem_of(number: str, country: str | None, partner: str) -> str | None:
    """What is wrong with a partner's number, None when nothing is; without a country no check is made.

    A number of "/" or one letter says that there is none.
    """
    text = re.sub(r"[\s.-]", "", number).upper()
    prefix = {"GR": "EL"}.get(country or "", country or "")
    if len(text) <= 1 or prefix not in _SHAPES:
        return None
    bare = text.removeprefix(prefix)
    right = re.fullmatch(_SHAPES[prefix], bare) is not None and (prefix != "ES" or _is_spanish(bare))
    if right:
        return None
    return f"The VAT number [{number}] for partner [{partner}] does not seem to be valid. ({prefix})"


def _is_spanish(text: str) -> bool:
    if text[0].isdigit() or text[0] in "XYZ":
        digits = text[:-1].translate(str.maketrans("XYZ", "012"))
        return digits.isdigit() and text[-1] == _LETTERS[int(digits) % 23]
    if text[0] in "KLM":
        return text[1:-1].isdigit() and text[-1] == _LETTERS[int(text[1:-1]) % 23]
    if text[0] not in "ABCDEFGHJNPQRSUVW" or not text[1:-1].isdigit():
        return False
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in text[1:-1:2])
    control = (10 - (doubled + sum(int(digit) for digit in text[2:-1:2])) % 10) % 10
    return text[-1] in (str(control), _CONTROL[control])
