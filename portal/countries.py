"""Countries and territories by ISO 3166-1 alpha-2, with their names in each language."""

import re
import unicodedata
from functools import lru_cache

from babel import Locale

_CODE = re.compile("[A-Z]{2}")
# What CLDR has beside countries: unions, reserved codes, tests, "unknown".
_NO_COUNTRY = frozenset({"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"})


def is_country(code: str) -> bool:
    """Whether there is such a country."""
    return code in _names("en")


def name(code: str, language: str) -> str:
    """A country's name in a language of the portal ("pt_BR"); the code itself, if it is none."""
    return _names(language).get(code, code)


def choices(language: str) -> list[tuple[str, str]]:
    """All countries as code and name, in the order of their names in the language."""
    return sorted(_names(language).items(), key=lambda item: _order(item[1]))


@lru_cache(maxsize=8)
def _names(language: str) -> dict[str, str]:
    territories = Locale.parse(language).territories
    return {code: named for code, named in territories.items() if _CODE.fullmatch(code) and code not in _NO_COUNTRY}


def _order(named: str) -> str:
    """Without accents: Å and É stand beside A and E."""
    plain = unicodedata.normalize("NFKD", named)
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()
