"""What the pages of credit notes and mandates say: English, Spanish, Brazilian Portuguese."""

TEXTS: dict[str, tuple[str, str, str]] = {
    "credit_note": ("Credit note", "Nota de crédito", "Nota de crédito"),
    "for_invoice": ("For invoice", "De la factura", "Da fatura"),
    "note_total": ("Total credited", "Total abonado", "Total creditado"),
    "note_lowered": ("Taken off the invoice", "Descontado de la factura", "Descontado da fatura"),
    "note_refunded": ("Refunded", "Reembolsado", "Reembolsado"),
    "note_balance": ("Credited to the balance", "Abonado al saldo", "Creditado no saldo"),
    "note_elsewhere": ("Credited elsewhere", "Abonado por otra vía", "Creditado por outra via"),
    "note_discount": ("Discount", "Descuento", "Desconto"),
    "note_tax": ("Tax", "Impuesto", "Imposto"),
    "note_void": ("This credit note was voided.", "Esta nota de crédito se ha anulado.", "Esta nota foi anulada."),
    "download_note": ("Download credit note", "Descargar nota de crédito", "Baixar nota de crédito"),
    "mandate": ("Mandate", "Mandato", "Mandato"),
    "mandate_text": (
        "{merchant} may debit this account.",
        "{merchant} puede hacer cargos en esta cuenta.",
        "{merchant} pode debitar desta conta.",
    ),
    "mandate_inactive": (
        "This mandate is no longer in force.",
        "Este mandato ya no está en vigor.",
        "Este mandato não está mais em vigor.",
    ),
    "mandate_reference": ("Reference", "Referencia", "Referência"),
    "mandate_given": ("Given", "Otorgado", "Concedido"),
}
