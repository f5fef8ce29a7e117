"""The payer's pages in English, Spanish and Brazilian Portuguese; the texts are in texts_*.py, page by page."""

from datetime import UTC, datetime
from decimal import Decimal

from werkzeug.datastructures import LanguageAccept

from ..engine.money import exponent
from . import texts_checkout, texts_documents, texts_invoice, texts_papers, texts_payer, texts_portal, texts_refusals

LANGUAGES = ("en", "es", "pt-BR")

_SITE: dict[str, tuple[str, str, str]] = {
    "sandbox_note": (
        "Sandbox · no real money",
        "Entorno de pruebas · sin dinero real",
        "Ambiente de testes · sem dinheiro real",
    ),
    "missing_title": ("Page not found", "Página no encontrada", "Página não encontrada"),
    "missing_text": (
        "The sandbox has nothing at this address.",
        "El entorno de pruebas no tiene nada en esta dirección.",
        "O ambiente de testes não tem nada neste endereço.",
    ),
}
TEXTS: dict[str, tuple[str, str, str]] = {
    **_SITE,
    **texts_checkout.TEXTS,
    **texts_payer.TEXTS,
    **texts_invoice.TEXTS,
    **texts_papers.TEXTS,
    **texts_documents.TEXTS,
    **texts_portal.TEXTS,
}

_EVERY = {
    "en": {"day": "per day", "week": "per week", "month": "per month", "year": "per year"},
    "es": {"day": "al día", "week": "a la semana", "month": "al mes", "year": "al año"},
    "pt-BR": {"day": "por dia", "week": "por semana", "month": "por mês", "year": "por ano"},
}
_EVERY_SEVERAL = {
    "en": ("every {count} {unit}", {"day": "days", "week": "weeks", "month": "months", "year": "years"}),
    "es": ("cada {count} {unit}", {"day": "días", "week": "semanas", "month": "meses", "year": "años"}),
    "pt-BR": ("a cada {count} {unit}", {"day": "dias", "week": "semanas", "month": "meses", "year": "anos"}),
}
_MONTHS = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "es": "ene feb mar abr may jun jul ago sept oct nov dic",
    "pt-BR": "jan fev mar abr mai jun jul ago set out nov dez",
}
_BY_SHORT = {language.split("-")[0]: language for language in LANGUAGES}
_SIGNS = {"usd": "US$", "eur": "€", "gbp": "£", "brl": "R$", "jpy": "¥"}
_BRANDS = {
    "visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "discover": "Discover",
    "diners": "Diners Club", "jcb": "JCB", "unionpay": "UnionPay",
}  # fmt: skip


class Words:
    """The texts of one language, called from templates."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._index = LANGUAGES.index(language)

    def __call__(self, key: str, **values: object) -> str:
        """The text of that key; KeyError for an unknown one."""
        return TEXTS[key][self._index].format(**values)

    def refusal(self, code: str, otherwise: str) -> str:
        """Why a payment was refused, by its code."""
        return texts_refusals.TEXTS[code][self._index] if code in texts_refusals.TEXTS else otherwise

    def money(self, amount: int, currency: str) -> str:
        """An amount of minor units with its currency: $29.00, 29,00 US$, US$ 29,00; −$5.00 below zero."""
        digits = exponent(currency)
        number = f"{Decimal(abs(amount)).scaleb(-digits):,.{digits}f}"
        return f"{'−' if amount < 0 else ''}{self._signed(number, currency)}"

    def rate(self, amount: str, currency: str) -> str:
        """A price of a unit, which may have more decimals than the currency: minor units as a decimal string."""
        exact = Decimal(amount)
        if exact == exact.to_integral_value():
            return self.money(int(exact), currency)
        return self._signed(f"{exact.scaleb(-exponent(currency)).normalize():,f}", currency)

    def percent(self, value: object) -> str:
        """A percentage without trailing zeros: 12.5, 12,5."""
        text = format(Decimal(str(value)).normalize(), "f")
        return text if self.language == "en" else text.replace(".", ",")

    def every(self, recurring: dict[str, object]) -> str:
        """The interval of a price: per month, every 3 months."""
        unit, count = str(recurring["interval"]), recurring["interval_count"]
        if count == 1:
            return _EVERY[self.language][unit]
        sentence, units = _EVERY_SEVERAL[self.language]
        return sentence.format(count=count, unit=units[unit])

    def date(self, seconds: int) -> str:
        """A day in UTC: Nov 29, 2026; 29 nov 2026; 29 de nov. de 2026."""
        day = datetime.fromtimestamp(seconds, UTC)
        month = _MONTHS[self.language].split()[day.month - 1]
        if self.language == "en":
            return f"{month} {day.day}, {day.year}"
        return f"{day.day} {month} {day.year}" if self.language == "es" else f"{day.day} de {month}. de {day.year}"

    def method(self, method: dict[str, object]) -> str:
        """A payment method by name: Visa ending in 4242, PayPal."""
        details = method[str(method["type"])]
        if not isinstance(details, dict) or "last4" not in details:
            return self(f"method_{method['type']}")
        brand = str(details.get("brand", ""))
        name = _BRANDS.get(brand) or self(f"method_{method['type']}")
        return self("saved_ending", name=name, last4=details["last4"])

    def _signed(self, number: str, currency: str) -> str:
        sign = _SIGNS.get(currency, currency.upper())
        if self.language == "en":
            return f"${number}" if currency == "usd" else f"{sign}{'' if len(sign) < 3 else ' '}{number}"
        number = number.translate(str.maketrans(",.", ".,"))
        return f"{number} {sign}" if self.language == "es" else f"{sign} {number}"


def words_for(locale: str | None, accepted: LanguageAccept) -> Words:
    """The session's language, or what the browser asks for when that is `auto` or none."""
    # The region does not matter: es-MX reads Spanish, pt reads the Brazilian texts.
    wanted = list(accepted.values()) if locale in (None, "auto") else [locale or ""]
    for tag in wanted:
        short = tag.lower().replace("_", "-").split("-")[0]
        if short in _BY_SHORT:
            return Words(_BY_SHORT[short])
    return Words("en")
