"""The payer's pages in English, Spanish and Brazilian Portuguese."""

from datetime import UTC, datetime
from decimal import Decimal

from werkzeug.datastructures import LanguageAccept

from ..engine.money import exponent

LANGUAGES = ("en", "es", "pt-BR")

TEXTS: dict[str, dict[str, str]] = {
    "sandbox_note": {
        "en": "Sandbox · no real money",
        "es": "Entorno de pruebas · sin dinero real",
        "pt-BR": "Ambiente de testes · sem dinheiro real",
    },
    "checkout_title": {"en": "Checkout", "es": "Pago", "pt-BR": "Pagamento"},
    "subscribe_to": {"en": "Subscribe to {name}", "es": "Suscribirse a {name}", "pt-BR": "Assinar {name}"},
    "back": {"en": "Back", "es": "Volver", "pt-BR": "Voltar"},
    "quantity": {"en": "Quantity {count}", "es": "Cantidad {count}", "pt-BR": "Quantidade {count}"},
    "subtotal": {"en": "Subtotal", "es": "Subtotal", "pt-BR": "Subtotal"},
    "due_today": {"en": "Total due today", "es": "Total a pagar hoy", "pt-BR": "Total a pagar hoje"},
    "trial": {
        "en": "{days} days free, then {price}. The first payment is on {date}.",
        "es": "{days} días gratis; después, {price}. El primer pago será el {date}.",
        "pt-BR": "{days} dias grátis; depois, {price}. O primeiro pagamento será em {date}.",
    },
    "contact": {"en": "Contact", "es": "Contacto", "pt-BR": "Contato"},
    "email": {"en": "E-mail", "es": "Correo electrónico", "pt-BR": "E-mail"},
    "method": {"en": "Payment method", "es": "Método de pago", "pt-BR": "Forma de pagamento"},
    "number": {"en": "Card number", "es": "Número de tarjeta", "pt-BR": "Número do cartão"},
    "expiry": {"en": "Expiry (MM / YY)", "es": "Vence (MM / AA)", "pt-BR": "Validade (MM / AA)"},
    "cvc": {"en": "CVC", "es": "CVC", "pt-BR": "CVC"},
    "name": {"en": "Name on card", "es": "Nombre en la tarjeta", "pt-BR": "Nome no cartão"},
    "country": {"en": "Country (two letters)", "es": "País (dos letras)", "pt-BR": "País (duas letras)"},
    "postal_code": {"en": "Postal code", "es": "Código postal", "pt-BR": "Código postal"},
    "no_card": {
        "en": "No card is needed: nothing is due.",
        "es": "No hace falta tarjeta: no hay nada que pagar.",
        "pt-BR": "Não é preciso cartão: não há nada a pagar.",
    },
    "pay": {"en": "Pay {amount}", "es": "Pagar {amount}", "pt-BR": "Pagar {amount}"},
    "start_trial": {"en": "Start trial", "es": "Iniciar prueba", "pt-BR": "Iniciar teste"},
    "subscribe": {"en": "Subscribe", "es": "Suscribirse", "pt-BR": "Assinar"},
    "terms": {
        "en": "This page imitates Stripe Checkout. Cards that are not test cards are refused.",
        "es": "Esta página imita a Stripe Checkout. Solo se aceptan tarjetas de prueba.",
        "pt-BR": "Esta página imita o Stripe Checkout. Só são aceitos cartões de teste.",
    },
    "test_cards": {"en": "Test cards", "es": "Tarjetas de prueba", "pt-BR": "Cartões de teste"},
    "test_cards_hint": {
        "en": "One press fills in the card.",
        "es": "Un clic rellena los datos de la tarjeta.",
        "pt-BR": "Um clique preenche os dados do cartão.",
    },
    "card_ok": {"en": "Succeeds", "es": "Se acepta", "pt-BR": "É aceito"},
    "card_declined": {"en": "Declined", "es": "Rechazada", "pt-BR": "Recusado"},
    "card_funds": {"en": "Insufficient funds", "es": "Fondos insuficientes", "pt-BR": "Saldo insuficiente"},
    "card_expired": {"en": "Expired", "es": "Vencida", "pt-BR": "Vencido"},
    "card_cvc": {"en": "Wrong security code", "es": "Código incorrecto", "pt-BR": "Código incorreto"},
    "card_processing": {"en": "Processing error", "es": "Error de proceso", "pt-BR": "Erro de processamento"},
    "card_3ds": {"en": "3-D Secure, once", "es": "3-D Secure, una vez", "pt-BR": "3-D Secure, uma vez"},
    "card_3ds_always": {"en": "3-D Secure, always", "es": "3-D Secure, siempre", "pt-BR": "3-D Secure, sempre"},
    "card_3ds_funds": {
        "en": "3-D Secure, no funds",
        "es": "3-D Secure, sin fondos",
        "pt-BR": "3-D Secure, sem saldo",
    },
    "expired_title": {
        "en": "This checkout has expired",
        "es": "Esta sesión de pago ha caducado",
        "pt-BR": "Esta sessão de pagamento expirou",
    },
    "expired_text": {
        "en": "Nothing was charged. Go back and start again.",
        "es": "No se ha cobrado nada. Vuelva atrás y empiece de nuevo.",
        "pt-BR": "Nada foi cobrado. Volte e comece de novo.",
    },
    "missing_title": {"en": "Page not found", "es": "Página no encontrada", "pt-BR": "Página não encontrada"},
    "missing_text": {
        "en": "The sandbox has nothing at this address.",
        "es": "El entorno de pruebas no tiene nada en esta dirección.",
        "pt-BR": "O ambiente de testes não tem nada neste endereço.",
    },
    "secure_title": {
        "en": "Confirm your payment",
        "es": "Confirme su pago",
        "pt-BR": "Confirme o seu pagamento",
    },
    "secure_text": {
        "en": "This imitates the 3-D Secure page of the payer's bank. Choose how the check ends.",
        "es": "Esta página imita la de 3-D Secure del banco del pagador. Elija cómo termina la comprobación.",
        "pt-BR": "Esta página imita a do 3-D Secure do banco do pagador. Escolha como a verificação termina.",
    },
    "secure_complete": {"en": "Complete", "es": "Completar", "pt-BR": "Concluir"},
    "secure_fail": {"en": "Fail", "es": "Rechazar", "pt-BR": "Recusar"},
    "merchant": {"en": "Merchant", "es": "Comercio", "pt-BR": "Estabelecimento"},
    "amount": {"en": "Amount", "es": "Importe", "pt-BR": "Valor"},
    "card": {"en": "Card", "es": "Tarjeta", "pt-BR": "Cartão"},
    "error_heading": {
        "en": "The payment did not go through",
        "es": "No se ha podido realizar el pago",
        "pt-BR": "O pagamento não foi concluído",
    },
    "invoice": {"en": "Invoice", "es": "Factura", "pt-BR": "Fatura"},
    "billed_to": {"en": "Billed to", "es": "Facturado a", "pt-BR": "Cobrado de"},
    "issued": {"en": "Issued", "es": "Emitida", "pt-BR": "Emitida"},
    "total": {"en": "Total", "es": "Total", "pt-BR": "Total"},
    "amount_due": {"en": "Amount due", "es": "Importe pendiente", "pt-BR": "Valor em aberto"},
    "status_draft": {"en": "Draft", "es": "Borrador", "pt-BR": "Rascunho"},
    "status_open": {"en": "Open", "es": "Pendiente", "pt-BR": "Em aberto"},
    "status_paid": {"en": "Paid", "es": "Pagada", "pt-BR": "Paga"},
    "status_void": {"en": "Void", "es": "Anulada", "pt-BR": "Anulada"},
    "status_uncollectible": {"en": "Uncollectible", "es": "Incobrable", "pt-BR": "Incobrável"},
}  # fmt: skip

# By the code (or decline_code) of a refusal; what is not here is said in Stripe's English.
_REFUSALS: dict[str, dict[str, str]] = {
    "email": {
        "en": "Enter a valid e-mail address.",
        "es": "Introduzca un correo electrónico válido.",
        "pt-BR": "Digite um e-mail válido.",
    },
    "number": {
        "en": "Enter a card number.",
        "es": "Introduzca un número de tarjeta.",
        "pt-BR": "Digite o número do cartão.",
    },
    "incorrect_number": {
        "en": "Your card number is incorrect.",
        "es": "El número de la tarjeta es incorrecto.",
        "pt-BR": "O número do cartão está incorreto.",
    },
    "live_mode_test_card": {
        "en": "This sandbox accepts the listed test cards only.",
        "es": "Este entorno solo acepta las tarjetas de prueba de la lista.",
        "pt-BR": "Este ambiente só aceita os cartões de teste da lista.",
    },
    "invalid_expiry_month": {
        "en": "Your card's expiration month is invalid.",
        "es": "El mes de vencimiento no es válido.",
        "pt-BR": "O mês de validade não é válido.",
    },
    "invalid_expiry_year": {
        "en": "Your card's expiration date is in the past.",
        "es": "La fecha de vencimiento ya ha pasado.",
        "pt-BR": "A data de validade já passou.",
    },
    "invalid_cvc": {
        "en": "Your card's security code is incomplete.",
        "es": "El código de seguridad está incompleto.",
        "pt-BR": "O código de segurança está incompleto.",
    },
    "generic_decline": {
        "en": "Your card was declined.",
        "es": "Su tarjeta ha sido rechazada.",
        "pt-BR": "O seu cartão foi recusado.",
    },
    "insufficient_funds": {
        "en": "Your card has insufficient funds.",
        "es": "Su tarjeta no tiene fondos suficientes.",
        "pt-BR": "O seu cartão não tem saldo suficiente.",
    },
    "expired_card": {
        "en": "Your card has expired.",
        "es": "Su tarjeta ha vencido.",
        "pt-BR": "O seu cartão está vencido.",
    },
    "incorrect_cvc": {
        "en": "Your card's security code is incorrect.",
        "es": "El código de seguridad es incorrecto.",
        "pt-BR": "O código de segurança está incorreto.",
    },
    "processing_error": {
        "en": "An error occurred while processing your card. Try again in a little bit.",
        "es": "Se ha producido un error al procesar la tarjeta. Inténtelo de nuevo en unos minutos.",
        "pt-BR": "Ocorreu um erro ao processar o cartão. Tente de novo em instantes.",
    },
    "authentication_not_handled": {
        "en": "We are unable to authenticate your payment method. Choose a different one and try again.",
        "es": "No hemos podido autenticar el método de pago. Elija otro e inténtelo de nuevo.",
        "pt-BR": "Não foi possível autenticar a forma de pagamento. Escolha outra e tente de novo.",
    },
}
_REFUSALS["lost_card"] = _REFUSALS["stolen_card"] = _REFUSALS["generic_decline"]

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


class Words:
    """The texts of one language, called from templates."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """The text of that key; KeyError for an unknown one."""
        return TEXTS[key][self.language].format(**values)

    def refusal(self, code: str, otherwise: str) -> str:
        """Why a payment was refused, by its code."""
        return _REFUSALS[code][self.language] if code in _REFUSALS else otherwise

    def money(self, amount: int, currency: str) -> str:
        """An amount of minor units with its currency: $29.00, 29,00 US$, US$ 29,00."""
        digits = exponent(currency)
        number = f"{Decimal(amount).scaleb(-digits):,.{digits}f}"
        sign = _SIGNS.get(currency, currency.upper())
        if self.language == "en":
            return f"${number}" if currency == "usd" else f"{sign}{'' if len(sign) < 3 else ' '}{number}"
        number = number.translate(str.maketrans(",.", ".,"))
        return f"{number} {sign}" if self.language == "es" else f"{sign} {number}"

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


def words_for(locale: str | None, accepted: LanguageAccept) -> Words:
    """The session's language, or what the browser asks for when that is `auto` or none."""
    # The region does not matter: es-MX reads Spanish, pt reads the Brazilian texts.
    wanted = list(accepted.values()) if locale in (None, "auto") else [locale or ""]
    for tag in wanted:
        short = tag.lower().replace("_", "-").split("-")[0]
        if short in _BY_SHORT:
            return Words(_BY_SHORT[short])
    return Words("en")
