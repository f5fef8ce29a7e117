"""Sample invoices: the cases that break invoice layouts, each a frozen document."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from portal.invoicing.pdf.document import Discount, InvoiceDocument, Line, Party, Payment, Tax

DAY = dt.date(2026, 11, 1)
NEXT = dt.date(2026, 12, 1)

ISSUER = Party(
    name="NEO Stack Platform, S.L.",
    address=("Calle de Alcalá 42, 3.º", "28014 Madrid", "Spain"),
    tax_id="ESB12345674",
    email="billing@neostack.example",
)
CUSTOMER = Party(
    name="Acme Robotics GmbH",
    address=("Torstraße 140", "10119 Berlin", "Germany"),
    tax_id="DE136695976",
    email="accounts@acme.example",
)

ONE_LINE = InvoiceDocument(
    document_id="0199a1b2-7c3d-7e4f-8a5b-6c7d8e9f0a1b",
    number="NEO-0001",
    status="paid",
    issuer=ISSUER,
    customer=CUSTOMER,
    currency="usd",
    lines=(
        Line(
            description="Starter plan",
            amount_minor=2900,
            quantity=Decimal(1),
            unit_amount_minor=2900,
            period_start=DAY,
            period_end=NEXT,
        ),
    ),
    subtotal_minor=2900,
    total_minor=2900,
    amount_paid_minor=2900,
    amount_due_minor=0,
    issued_on=DAY,
    paid_on=DAY,
    period_start=DAY,
    period_end=NEXT,
    payments=(Payment(paid_on=DAY, method="Visa •••• 4242", amount_minor=2900),),
    timezone="Europe/Madrid",
    footer="NEO Stack Platform, S.L. · Registro Mercantil de Madrid, tomo 1234, folio 56, hoja M-7890.",
    portal_url="https://billing.neostack.example/invoices/NEO-0001",
)

OPEN_WITH_TAX = replace(
    ONE_LINE,
    number="NEO-0002",
    status="open",
    currency="eur",
    lines=(
        Line(
            description="Business plan",
            amount_minor=29900,
            quantity=Decimal(1),
            unit_amount_minor=29900,
            period_start=DAY,
            period_end=NEXT,
            discount_minor=5980,
            tax_rates=(Decimal(21),),
        ),
        Line(
            description="Additional seats",
            detail="12 seats from November 16: 12 × 25.00 × 15 of 30 days",
            amount_minor=15000,
            quantity=Decimal(12),
            unit_amount_minor=2500,
            period_start=dt.date(2026, 11, 16),
            period_end=NEXT,
            tax_rates=(Decimal(21),),
        ),
        Line(
            description="API calls",
            amount_minor=1234,
            quantity=Decimal(49360),
            unit_amount_decimal=Decimal("0.025"),
            period_start=dt.date(2026, 10, 1),
            period_end=DAY,
            tax_rates=(Decimal(21),),
        ),
        Line(
            description="Printed handbook",
            amount_minor=4000,
            quantity=Decimal(2),
            unit_amount_minor=2000,
            tax_rates=(Decimal(4),),
        ),
    ),
    subtotal_minor=50134,
    discounts=(Discount(name="LAUNCH20 (20% on plan)", amount_minor=5980),),
    taxes=(
        Tax(name="IVA", rate=Decimal(21), taxable_minor=40154, amount_minor=8432),
        Tax(name="IVA", rate=Decimal(4), taxable_minor=4000, amount_minor=160),
    ),
    total_minor=52746,
    amount_paid_minor=0,
    amount_due_minor=52746,
    due_on=NEXT,
    paid_on=None,
    payments=(),
    purchase_order="PO-2026-118",
    notes="Please state the invoice number with your transfer.\nIBAN ES91 2100 0418 4502 0005 1332",
    format_locale="en_GB",
)

SPANISH = replace(OPEN_WITH_TAX, number="NEO-0003", language="es", format_locale="es_ES")
PORTUGUESE = replace(
    ONE_LINE,
    number="NEO-0004",
    language="pt_BR",
    format_locale="pt_BR",
    currency="brl",
    timezone="America/Sao_Paulo",
)

MANY_LINES = replace(
    OPEN_WITH_TAX,
    number="NEO-0005",
    lines=tuple(
        Line(
            description=f"Worker {at:03d}, region eu-west-{at % 3 + 1}",
            amount_minor=at * 37,
            quantity=Decimal(at),
            unit_amount_minor=37,
            period_start=DAY if at % 4 else None,
            period_end=NEXT if at % 4 else None,
            tax_rates=(Decimal(21),),
        )
        for at in range(1, 201)
    ),
    subtotal_minor=743700,
    discounts=(),
    taxes=(Tax(name="IVA", rate=Decimal(21), taxable_minor=743700, amount_minor=156177),),
    total_minor=899877,
    amount_due_minor=899877,
)

CREDITS = replace(
    ONE_LINE,
    number="NEO-0006",
    lines=(
        Line(
            description="Unused time on Business after November 16",
            detail="−299.00 × 15 of 30 days",
            amount_minor=-14950,
            quantity=Decimal(1),
            period_start=dt.date(2026, 11, 16),
            period_end=NEXT,
        ),
        Line(
            description="Remaining time on Starter after November 16",
            amount_minor=1450,
            quantity=Decimal(1),
            period_start=dt.date(2026, 11, 16),
            period_end=NEXT,
        ),
    ),
    subtotal_minor=-13500,
    total_minor=-13500,
    amount_paid_minor=0,
    amount_due_minor=0,
    ending_balance_minor=-13500,
    payments=(),
)

PART_CREDIT = replace(
    ONE_LINE,
    number="NEO-0007",
    starting_balance_minor=-5000,
    ending_balance_minor=-2500,
    amount_paid_minor=400,
    amount_due_minor=0,
    payments=(Payment(paid_on=DAY, method="Mastercard •••• 4444", amount_minor=400),),
)

ZERO = replace(
    ONE_LINE,
    number="NEO-0008",
    lines=(Line(description="Free plan", amount_minor=0, quantity=Decimal(1), unit_amount_minor=0),),
    subtotal_minor=0,
    total_minor=0,
    amount_paid_minor=0,
    payments=(),
)

YEN = replace(
    ONE_LINE,
    number="NEO-0009",
    currency="jpy",
    customer=Party(name="Akme Kabushiki-gaisha", address=("1-1 Marunouchi, Chiyoda-ku", "Tokyo 100-0005", "Japan")),
    taxes=(Tax(name="JCT", rate=Decimal(10), taxable_minor=2636, amount_minor=264, inclusive=True),),
)
DINAR = replace(
    OPEN_WITH_TAX,
    number="NEO-0010",
    currency="kwd",
    lines=(
        Line(
            description="Enterprise plan, yearly",
            amount_minor=123456789120,
            quantity=Decimal(1),
            unit_amount_minor=123456789120,
            tax_rates=(Decimal("8.875"),),
        ),
    ),
    subtotal_minor=123456789120,
    discounts=(),
    taxes=(Tax(name="Sales tax", rate=Decimal("8.875"), taxable_minor=123456789120, amount_minor=10956790030),),
    total_minor=134413579150,
    amount_due_minor=134413579150,
    format_locale="en_US",
)

LONG_WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
LONG_TEXTS = replace(
    OPEN_WITH_TAX,
    number="NEO-2026-DEPARTMENT-OF-VERY-LONG-INVOICE-NUMBERS-000000000000011",
    issuer=replace(ISSUER, name=f"{LONG_WORD} & Söhne Beteiligungs- und Verwaltungsgesellschaft mbH & Co. KGaA"),
    customer=replace(
        CUSTOMER,
        name="The Honourable Society for the Advancement of Extraordinarily Long Names Limited",
        address=(
            LONG_WORD * 2,
            "Second line of a very long address that does not want to end and so goes on and on",
        ),
        email=f"{'accounts.' * 12}@{'very-long-subdomain.' * 4}example",
    ),
    lines=(
        replace(
            OPEN_WITH_TAX.lines[0],
            description="A plan with everything that anybody has ever asked for, " * 6,
            detail=LONG_WORD * 3,
        ),
        replace(OPEN_WITH_TAX.lines[1], description="x" * 400),
        *OPEN_WITH_TAX.lines[2:],
    ),
    discounts=(Discount(name=f"{LONG_WORD} 20% for the first year", amount_minor=5980),),
    notes="All work is done under our general terms. " * 60,
    portal_url=f"https://billing.neostack.example/invoices/{'0199a1b2' * 30}",
)

HOSTILE_TEXT = (
    "<script>alert(1)</script><img src='file:///etc/passwd'><link rel=attachment href='file:///etc/passwd'>"
    "<style>@import 'http://169.254.169.254/'; *{display:none}</style>{{ 7*7 }}{% raw %} &amp;"
    " </td></table> \u202egnp.exe\u202c \u2066isolate\u2069 \x00\x07 =cmd|'/c calc'!A0 url(ftp://[::1])"
    " 😀 שלום مرحبا"
)
HOSTILE = replace(
    OPEN_WITH_TAX,
    number="NEO-<b>0012</b>",
    issuer=Party(name=HOSTILE_TEXT, address=(HOSTILE_TEXT,), tax_id="<i>x</i>", email='a@b"><script>'),
    customer=Party(name=HOSTILE_TEXT, address=(HOSTILE_TEXT, "file:///etc/passwd"), tax_id="'\"><svg onload=1>"),
    lines=(
        replace(OPEN_WITH_TAX.lines[0], description=HOSTILE_TEXT, detail=HOSTILE_TEXT),
        *OPEN_WITH_TAX.lines[1:],
    ),
    discounts=(Discount(name=HOSTILE_TEXT, amount_minor=5980),),
    taxes=(replace(OPEN_WITH_TAX.taxes[0], name=HOSTILE_TEXT), OPEN_WITH_TAX.taxes[1]),
    payments=(Payment(paid_on=DAY, method=HOSTILE_TEXT, amount_minor=0),),
    purchase_order=HOSTILE_TEXT,
    notes=HOSTILE_TEXT,
    footer=HOSTILE_TEXT,
    portal_url='https://billing.example/"><script>alert(1)</script>',
)
HUGE_TEXT = replace(
    OPEN_WITH_TAX,
    number="NEO-0013",
    lines=(
        replace(OPEN_WITH_TAX.lines[0], description="10,000 characters. " * 527),
        *OPEN_WITH_TAX.lines[1:],
    ),
)

SAMPLES = {
    "one_line": ONE_LINE,
    "open_with_tax": OPEN_WITH_TAX,
    "spanish": SPANISH,
    "portuguese": PORTUGUESE,
    "many_lines": MANY_LINES,
    "credits": CREDITS,
    "part_credit": PART_CREDIT,
    "zero": ZERO,
    "yen": YEN,
    "dinar": DINAR,
    "long_texts": LONG_TEXTS,
    "hostile": HOSTILE,
    "huge_text": HUGE_TEXT,
}
