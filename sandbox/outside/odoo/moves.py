"""Invoices and credit notes (account.move): lines, taxes, totals, posting, and what a posted one refuses.

Amounts are Odoo's: taxes are rounded half up for each line to the currency's places (round_per_line, the default).
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ..tables import Row
from . import orm
from .env import Env, lines_of
from .errors import access_error, user_error, validation_error

MOVE, LINE = "account.move", "account.move.line"
_STAYS_WRITABLE = frozenset({"ref", "payment_reference", "narration", "invoice_origin"})


def create(env: Env, values: Mapping[str, Any]) -> int:
    """A draft with its lines. The journal is the company's first for sales, the currency the journal's."""
    given = dict(values)
    lines = given.pop("invoice_line_ids", [])
    row = orm.stored(env, MOVE, given)
    journal = _journal(env, row.get("journal_id"))
    company = env.table("res.company").find(journal["company_id"]) or {}
    currency = row.get("currency_id") or journal.get("currency_id") or company.get("currency_id")
    move_id = orm.create(
        env,
        MOVE,
        {
            "move_type": "out_invoice",
            **given,
            "journal_id": journal["id"],
            "company_id": journal["company_id"],
            "currency_id": currency,
        },
    )
    env.table(MOVE).change(move_id).update(state="draft", payment_state="not_paid")
    change_lines(env, move_id, lines)
    return move_id


def write(env: Env, ids: list[int], values: Mapping[str, Any]) -> bool:
    """Changes drafts; of a posted one little more than its references."""
    given = dict(values)
    lines = given.pop("invoice_line_ids", None)
    for move in env.browse(MOVE, ids):
        frozen = sorted((set(given) | ({"invoice_line_ids"} if lines is not None else set())) - _STAYS_WRITABLE)
        if move["state"] != "draft" and frozen:
            fields = ", ".join(frozen)
            raise user_error(f"You cannot modify the following readonly fields on a posted move: {fields}")
    orm.write(env, MOVE, ids, given)
    for move in env.browse(MOVE, ids):
        if move["state"] == "draft":
            change_lines(env, move["id"], lines or [])
    return True


def unlink(env: Env, ids: list[int]) -> bool:
    """Deletes drafts with their lines."""
    for move in env.browse(MOVE, ids):
        if move["state"] == "posted":
            raise user_error("You cannot delete a posted entry; reset it to draft first.")
        for line in lines_of(env, move["id"]):
            env.table(LINE).remove(line["id"])
    return orm.unlink(env, MOVE, ids)


def action_post(env: Env, ids: list[int]) -> bool:
    """Posts drafts: dates, number, what is left to pay. UserError 422 for one that is not a draft."""
    for move in env.browse(MOVE, ids):
        problems = _unpostable(env, move)
        if problems:
            raise user_error("\n".join(problems))
        row = env.table(MOVE).change(move["id"])
        row["invoice_date"] = row.get("invoice_date") or env.today()
        row["invoice_date_due"] = row.get("invoice_date_due") or row["invoice_date"]
        row["date"] = row.get("date") or row["invoice_date"]
        row["name"] = row.get("name") or _next_name(env, row)
        if any(other["name"] == row["name"] for other in _posted(env, row)):
            raise validation_error("Posted journal entry must have an unique sequence number per company.")
        row["payment_reference"] = row.get("payment_reference") or row["name"]
        row.update(state="posted", amount_residual=row["amount_total"], payment_state="not_paid")
        if row["amount_total"] == 0:
            row["payment_state"] = "paid"
    return False  # what Odoo answers when no window is to be opened


def button_draft(env: Env, ids: list[int]) -> None:
    """Back to draft, unless money came for it."""
    for move in env.browse(MOVE, ids):
        if move["state"] not in ("posted", "cancel"):
            raise user_error("Only posted/cancelled journal entries can be reset to draft.")
        if move["amount_residual"] != move["amount_total"]:
            raise user_error("The sandbox does not undo payments: a paid entry stays posted.")
        env.table(MOVE).change(move["id"])["state"] = "draft"


def button_cancel(env: Env, ids: list[int]) -> None:
    """Cancels drafts."""
    for move in env.browse(MOVE, ids):
        if move["state"] == "posted":
            raise user_error("Only draft journal entries can be cancelled.")
        env.table(MOVE).change(move["id"])["state"] = "cancel"


def change_lines(env: Env, move_id: int, commands: list[Any]) -> None:
    """Carries out [0, 0, values], [1, id, values], [2, id] and [5] on the lines, and adds everything up anew."""
    for command in commands:
        if command[0] == 0:
            orm.create(env, LINE, {**command[2], "move_id": move_id})
        elif command[0] == 1:
            orm.write(env, LINE, [command[1]], command[2])
        elif command[0] == 2:
            env.table(LINE).remove(env.browse(LINE, [command[1]])[0]["id"])
        elif command[0] == 5:
            for line in lines_of(env, move_id):
                env.table(LINE).remove(line["id"])
        else:
            raise user_error(f"the sandbox does not model the command {command!r} on invoice_line_ids")
    _add_up(env, move_id)


def _add_up(env: Env, move_id: int) -> None:
    move = env.table(MOVE).change(move_id)
    currency = env.table("res.currency").find(move["currency_id"]) or {"decimal_places": 2}
    places = Decimal(1).scaleb(-currency["decimal_places"])
    untaxed = taxes = Decimal(0)
    for line in lines_of(env, move_id):
        row = env.table(LINE).change(line["id"])
        row["company_id"] = move["company_id"]
        quantity, price, discount = (_exact(row.get(name, 0)) for name in ("quantity", "price_unit", "discount"))
        subtotal = (quantity * price * (1 - discount / 100)).quantize(places, ROUND_HALF_UP)
        tax = sum((_tax(env, move, tax_id, subtotal, quantity, places) for tax_id in row.get("tax_ids", [])), Decimal())
        row.update(price_subtotal=float(subtotal), price_total=float(subtotal + tax))
        untaxed, taxes = untaxed + subtotal, taxes + tax
    total = float(untaxed + taxes)
    move.update(amount_untaxed=float(untaxed), amount_tax=float(taxes), amount_total=total, amount_residual=total)


def _tax(env: Env, move: Row, tax_id: int, subtotal: Decimal, quantity: Decimal, places: Decimal) -> Decimal:
    tax = env.browse("account.tax", [tax_id])[0]
    if tax["company_id"] != move["company_id"]:
        raise user_error(f"Incompatible companies on records:\n- the tax {tax['name']!r} belongs to another company.")
    amount = _exact(tax["amount"])
    owed = quantity * amount if tax.get("amount_type") == "fixed" else subtotal * amount / 100
    return owed.quantize(places, ROUND_HALF_UP)


def _exact(value: Any) -> Decimal:
    return Decimal(str(value or 0))


def _journal(env: Env, journal_id: int | None) -> Row:
    if journal_id:
        return env.browse("account.journal", [journal_id])[0]
    for row in env.rows("account.journal"):
        if row["type"] == "sale" and row["company_id"] == env.companies[0]:
            return row
    raise user_error("No journal could be found in this company for any of those types: sale")


def _unpostable(env: Env, move: Row) -> list[str]:
    problems = []
    if move["company_id"] not in env.companies:
        raise access_error("Access to unauthorized or invalid companies.")
    if not move.get("partner_id"):
        problems.append("The 'Customer' field is required to validate the invoice.")
    if move["state"] != "draft":
        problems.append(f"The entry {move.get('name') or '/'} (id {move['id']}) must be in draft.")
    if not lines_of(env, move["id"]):
        problems.append("You need to add a line before posting.")
    if move["amount_total"] < 0:
        problems.append("You cannot validate an invoice with a negative total amount.")
    return problems


def _posted(env: Env, move: Row) -> list[Row]:
    return [
        row
        for row in env.table(MOVE).rows()
        if row["state"] == "posted" and row["journal_id"] == move["journal_id"] and row["id"] != move["id"]
    ]


def _next_name(env: Env, move: Row) -> str:
    journal = env.table("account.journal").find(move["journal_id"]) or {}
    kind = "R" if move["move_type"] == "out_refund" else ""
    prefix = f"{kind}{journal.get('code', 'INV')}/{move['invoice_date'][:4]}/"
    numbers = [row["name"].removeprefix(prefix) for row in _posted(env, move) if str(row["name"]).startswith(prefix)]
    return f"{prefix}{max((int(number) for number in numbers if number.isdigit()), default=0) + 1:05d}"
