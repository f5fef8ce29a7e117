"""The models of Odoo 19 that a billing portal meets, with the fields that it may ask for.

Real Odoo has many more fields; one that is not listed is answered as Odoo answers a misspelt one.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Field:
    """`type` as Odoo names it; `comodel` for relations; `stored` is False for what is worked out when read."""

    type: str
    comodel: str | None = None
    required: bool = False
    choices: tuple[str, ...] = ()

    @property
    def is_many(self) -> bool:
        """Whether its value is a list of ids."""
        return self.type in ("one2many", "many2many")


def _fields(**given: str) -> dict[str, Field]:
    """`name="char!"` is required, `partner_id="many2one:res.partner"` points, `state="selection(draft,posted)"`."""
    found = {"id": Field("integer"), "display_name": Field("char")}
    for name, text in given.items():
        required, text = text.endswith("!"), text.rstrip("!")
        kind, _, rest = text.partition(":")
        kind, _, choices = kind.partition("(")
        found[name] = Field(kind, rest or None, required, tuple(choices.rstrip(")").split(",")) if choices else ())
    for name, kind in (("create_date", "datetime"), ("write_date", "datetime")):
        found[name] = Field(kind)
    found["create_uid"] = Field("many2one", "res.users")
    return found


_MOVE_STATES = "selection(draft,posted,cancel)"

MODELS: Mapping[str, Mapping[str, Field]] = {
    "res.company": _fields(
        name="char!", currency_id="many2one:res.currency!", country_id="many2one:res.country", vat="char", email="char"
    ),
    "res.users": _fields(
        name="char!", login="char!", email="char", share="boolean", active="boolean", login_date="datetime",
        company_id="many2one:res.company!", company_ids="many2many:res.company",
    ),
    "res.users.apikeys": _fields(
        name="char!", user_id="many2one:res.users!", scope="char", expiration_date="datetime"
    ),
    "res.country": _fields(name="char!", code="char!"),
    "res.currency": _fields(name="char!", symbol="char", decimal_places="integer", active="boolean"),
    "res.partner": _fields(
        name="char!", ref="char", vat="char", email="char", phone="char", street="char", street2="char", city="char",
        zip="char", country_id="many2one:res.country", is_company="boolean", company_id="many2one:res.company",
        lang="char", active="boolean", comment="text",
    ),
    "ir.attachment": _fields(
        name="char!", type="selection(binary,url)", res_model="char", res_id="integer", res_field="char",
        mimetype="char", datas="binary", file_size="integer", checksum="char", company_id="many2one:res.company",
    ),
    "sale.order": _fields(
        name="char", partner_id="many2one:res.partner!", state="selection(draft,sent,sale,cancel)",
        date_order="datetime", amount_untaxed="monetary", amount_tax="monetary", amount_total="monetary",
        currency_id="many2one:res.currency", company_id="many2one:res.company",
    ),
    "account.journal": _fields(
        name="char!", code="char!", type="selection(sale,purchase,cash,bank,general)!",
        company_id="many2one:res.company!", currency_id="many2one:res.currency", active="boolean",
    ),
    "account.tax": _fields(
        name="char!", amount="float!", amount_type="selection(percent,fixed)",
        type_tax_use="selection(sale,purchase,none)", tax_scope="selection(service,consu)",
        company_id="many2one:res.company!", active="boolean", description="char",
    ),
    "account.move": _fields(
        name="char", move_type="selection(out_invoice,out_refund)!", state=_MOVE_STATES,
        partner_id="many2one:res.partner", journal_id="many2one:account.journal!",
        company_id="many2one:res.company", currency_id="many2one:res.currency", ref="char",
        payment_reference="char", invoice_date="date", invoice_date_due="date", date="date", narration="text",
        invoice_origin="char", invoice_line_ids="one2many:account.move.line", amount_untaxed="monetary",
        amount_tax="monetary", amount_total="monetary", amount_residual="monetary",
        payment_state="selection(not_paid,in_payment,paid,partial,reversed)",
        reversed_entry_id="many2one:account.move", reversal_move_ids="one2many:account.move",
    ),
    "account.move.line": _fields(
        move_id="many2one:account.move!", name="char", sequence="integer", quantity="float", price_unit="float",
        discount="float", tax_ids="many2many:account.tax", price_subtotal="monetary", price_total="monetary",
        company_id="many2one:res.company", display_type="selection(product,line_section,line_note)",
    ),
    "account.payment": _fields(
        name="char", amount="monetary", payment_type="selection(inbound,outbound)", date="date", memo="char",
        state="selection(draft,in_process,paid,canceled)", partner_id="many2one:res.partner",
        journal_id="many2one:account.journal", currency_id="many2one:res.currency",
        company_id="many2one:res.company", reconciled_invoice_ids="many2many:account.move",
    ),
    "account.payment.register": _fields(
        amount="monetary", payment_date="date", journal_id="many2one:account.journal", communication="char",
        currency_id="many2one:res.currency", move_ids="many2many:account.move",
    ),
    "account.move.reversal": _fields(
        reason="char", date="date", journal_id="many2one:account.journal", move_ids="many2many:account.move",
    ),
    "ir.model.data": _fields(module="char!", name="char!", model="char!", res_id="integer"),
}  # fmt: skip

# Written by Odoo alone: a value that is given is ignored, as for any computed field without an inverse.
COMPUTED = frozenset({
    "id", "display_name", "create_date", "write_date", "create_uid", "amount_untaxed", "amount_tax", "amount_residual",
    "payment_state", "price_subtotal", "price_total", "file_size", "checksum", "reversal_move_ids",
})  # fmt: skip
ZERO = {"integer": 0, "float": 0.0, "monetary": 0.0, "boolean": False}
