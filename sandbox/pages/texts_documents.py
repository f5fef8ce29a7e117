"""What the PDF files of invoices and credit notes say: English, Spanish, Brazilian Portuguese."""

TEXTS: dict[str, tuple[str, str, str]] = {
    "test_document": ("Test document", "Documento de prueba", "Documento de teste"),
    "test_document_text": (
        "Made by a sandbox. No money was moved, and none is owed.",
        "Hecho por un entorno de pruebas. No se ha movido dinero ni se debe nada.",
        "Feito por um ambiente de testes. Nenhum dinheiro foi movido, nada é devido.",
    ),
    "number_of_invoice": ("Invoice number", "Número de factura", "Número da fatura"),
    "number_of_note": ("Credit note number", "Número de nota", "Número da nota"),
    "issued_on": ("Date of issue", "Fecha de emisión", "Data de emissão"),
    "due_date": ("Date due", "Vencimiento", "Vencimento"),
    "paid_date": ("Date paid", "Fecha de pago", "Data de pagamento"),
    "headline_open": ("{amount} due", "{amount} pendientes", "{amount} em aberto"),
    "headline_due": ("{amount} due {date}", "{amount}, vence el {date}", "{amount}, vence em {date}"),
    "headline_paid": ("{amount} paid on {date}", "{amount}, pagados el {date}", "{amount}, pagos em {date}"),
    "headline_credited": ("{amount} credited", "{amount} abonados", "{amount} creditados"),
    "pay_online": ("Pay online", "Pagar en línea", "Pagar on-line"),
    "column_what": ("Description", "Descripción", "Descrição"),
    "column_quantity": ("Qty", "Cant.", "Qtd."),
    "column_unit": ("Unit price", "Precio unitario", "Preço unitário"),
    "column_tax": ("Tax", "Impuesto", "Imposto"),
    "column_amount": ("Amount", "Importe", "Valor"),
    "no_pdf_title": ("No PDF here", "Sin PDF", "Sem PDF"),
    "no_pdf_text": (
        "PDF files need WeasyPrint and Pango, and one of them is missing. The sandbox's log says more.",
        "Los PDF necesitan WeasyPrint y Pango, y falta uno de ellos. El registro del entorno de pruebas dice más.",
        "Os PDF precisam do WeasyPrint e do Pango, e falta um deles. O log do ambiente de testes diz mais.",
    ),
}
