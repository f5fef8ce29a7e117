"""Why a payment was refused, by the code (or decline_code): English, Spanish, Brazilian Portuguese.

What is not here is said in Stripe's English.
"""

_DECLINED = ("Your card was declined.", "Su tarjeta ha sido rechazada.", "O seu cartão foi recusado.")

TEXTS: dict[str, tuple[str, str, str]] = {
    "email": (
        "Enter a valid e-mail address.",
        "Introduzca un correo electrónico válido.",
        "Digite um e-mail válido.",
    ),
    "number": ("Enter a card number.", "Introduzca un número de tarjeta.", "Digite o número do cartão."),
    "incorrect_number": (
        "Your card number is incorrect.",
        "El número de la tarjeta es incorrecto.",
        "O número do cartão está incorreto.",
    ),
    "live_mode_test_card": (
        "This sandbox accepts the listed test cards only.",
        "Este entorno solo acepta las tarjetas de prueba de la lista.",
        "Este ambiente só aceita os cartões de teste da lista.",
    ),
    "invalid_expiry_month": (
        "Your card's expiration month is invalid.",
        "El mes de vencimiento no es válido.",
        "O mês de validade não é válido.",
    ),
    "invalid_expiry_year": (
        "Your card's expiration date is in the past.",
        "La fecha de vencimiento ya ha pasado.",
        "A data de validade já passou.",
    ),
    "invalid_cvc": (
        "Your card's security code is incomplete.",
        "El código de seguridad está incompleto.",
        "O código de segurança está incompleto.",
    ),
    "generic_decline": _DECLINED,
    "lost_card": _DECLINED,
    "stolen_card": _DECLINED,
    "card_velocity_exceeded": _DECLINED,
    "card_declined": _DECLINED,
    "insufficient_funds": (
        "Your card has insufficient funds.",
        "Su tarjeta no tiene fondos suficientes.",
        "O seu cartão não tem saldo suficiente.",
    ),
    "expired_card": ("Your card has expired.", "Su tarjeta ha vencido.", "O seu cartão está vencido."),
    "incorrect_cvc": (
        "Your card's security code is incorrect.",
        "El código de seguridad es incorrecto.",
        "O código de segurança está incorreto.",
    ),
    "processing_error": (
        "An error occurred while processing your card. Try again in a little bit.",
        "Se ha producido un error al procesar la tarjeta. Inténtelo de nuevo en unos minutos.",
        "Ocorreu um erro ao processar o cartão. Tente de novo em instantes.",
    ),
    "authentication_not_handled": (
        "We are unable to authenticate your payment method. Choose a different one and try again.",
        "No hemos podido autenticar el método de pago. Elija otro e inténtelo de nuevo.",
        "Não foi possível autenticar a forma de pagamento. Escolha outra e tente de novo.",
    ),
    "authentication_required": (
        "Your bank wants to check that it is you. Try again and confirm.",
        "Su banco quiere comprobar que es usted. Inténtelo de nuevo y confirme.",
        "O seu banco quer confirmar que é você. Tente de novo e confirme.",
    ),
    "payment_method_customer_decline": (
        "You did not approve the payment at PayPal. Try again or choose another way to pay.",
        "No aprobó el pago en PayPal. Inténtelo de nuevo o elija otra forma de pago.",
        "Você não aprovou o pagamento no PayPal. Tente de novo ou escolha outra forma de pagamento.",
    ),
    "payment_method_unavailable": (
        "Choose a payment method.",
        "Elija un método de pago.",
        "Escolha uma forma de pagamento.",
    ),
    "invalid_bank_account_iban": (
        "This IBAN is not valid.",
        "Este IBAN no es válido.",
        "Este IBAN não é válido.",
    ),
    "routing_number_invalid": (
        "Test accounts have the routing number 110000000.",
        "Las cuentas de prueba tienen el número de ruta 110000000.",
        "As contas de teste têm o número de roteamento 110000000.",
    ),
    "account_number_invalid": (
        "This sandbox accepts the listed test accounts only.",
        "Este entorno solo acepta las cuentas de prueba de la lista.",
        "Este ambiente só aceita as contas de teste da lista.",
    ),
    "name_missing": (
        "Enter the name of the account's holder.",
        "Introduzca el nombre del titular de la cuenta.",
        "Digite o nome do titular da conta.",
    ),
    "phone_invalid": (
        "Enter a valid phone number.",
        "Introduzca un número de teléfono válido.",
        "Digite um número de telefone válido.",
    ),
    "tax_id_invalid": (
        "This tax ID is not valid.",
        "Esta identificación fiscal no es válida.",
        "Esta identificação fiscal não é válida.",
    ),
    "address_incomplete": (
        "Enter your full billing address.",
        "Escriba su dirección de facturación completa.",
        "Informe seu endereço de cobrança completo.",
    ),
    "terms_required": (
        "Agree to the terms of service to go on.",
        "Acepte las condiciones del servicio para continuar.",
        "Aceite os termos de serviço para continuar.",
    ),
    "coupon_expired": (
        "The promotion code is no longer valid. Remove it to go on.",
        "El código promocional ya no es válido. Quítelo para continuar.",
        "O código promocional não é mais válido. Remova-o para continuar.",
    ),
    "field_required": ("This field is required.", "Este campo es obligatorio.", "Este campo é obrigatório."),
    "field_invalid": (
        "This is not a valid answer.",
        "Esta respuesta no es válida.",
        "Esta resposta não é válida.",
    ),
    "field_length": (
        "This answer is too short or too long.",
        "Esta respuesta es demasiado corta o larga.",
        "Esta resposta é curta ou longa demais.",
    ),
}
