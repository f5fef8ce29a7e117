"""The wizards on posted invoices: registering a payment, and making a credit note."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ..tables import Row
from . import moves, orm
from .env import Env, lines_of
from .errors import user_error
from .moves import MOVE

REGISTER, REVERSAL, PAYMENT = "account.payment.register", "account.move.reversal", "account.payment"
_COPIED = ("name", "sequence", "quantity", "price_unit", "discount", "tax_ids", "display_type")


def create_register(env: Env, values: Mapping[str, Any]) -> int:
    """The wizard over the invoices of the context: all that is left to pay, into the first bank journal, today."""
    posted = _of_context(env, "You can only register payments for posted journal entries.")
    if len({move["partner_id"] for move in posted}) > 1:
        raise user_error("The sandbox registers one payment for invoices of one customer only.")
    left = float(sum((Decimal(str(move["amount_residual"])) for move in posted), Decimal()))
    if left == 0:
        raise user_error("There's nothing left to pay for the selected journal items.")
    banks = [
        row["id"]
        for row in env.rows("account.journal")
        if row["type"] in ("bank", "cash") and row["company_id"] == posted[0]["company_id"]
    ]
    defaults = {
        "amount": left,
        "payment_date": env.today(),
        "journal_id": banks[0] if banks else False,
        "communication": posted[0]["payment_reference"],
        "currency_id": posted[0]["currency_id"],
    }
    return orm.create(env, REGISTER, {**defaults, **values, "move_ids": [move["id"] for move in posted]})


def action_create_payments(env: Env, ids: list[int]) -> Row:
    """Makes the payment and lowers what is left on its invoices, the oldest first."""
    wizard = env.browse(REGISTER, ids)[0]
    if not wizard["journal_id"]:
        raise user_error("There is no bank journal in this company.")
    paid = [env.table(MOVE).change(move_id) for move_id in wizard["move_ids"]]
    rest = Decimal(str(wizard["amount"]))
    for move in paid:
        owed = Decimal(str(move["amount_residual"]))
        taken = min(rest, owed)
        rest -= taken
        move["amount_residual"] = float(owed - taken)
        move["payment_state"] = "paid" if owed == taken else "partial" if taken else move["payment_state"]
    refund = paid[0]["move_type"] == "out_refund"
    payment = orm.create(
        env,
        PAYMENT,
        {
            "amount": wizard["amount"],
            "payment_type": "outbound" if refund else "inbound",
            "date": wizard["payment_date"],
            "memo": wizard["communication"],
            "state": "paid",
            "partner_id": paid[0]["partner_id"],
            "journal_id": wizard["journal_id"],
            "currency_id": wizard["currency_id"],
            "company_id": paid[0]["company_id"],
            "reconciled_invoice_ids": wizard["move_ids"],
        },
    )
    env.table(PAYMENT).change(payment)["name"] = f"PAY{payment:05d}"
    return {"type": "ir.actions.act_window", "res_model": PAYMENT, "view_mode": "form", "res_id": payment}


def create_reversal(env: Env, values: Mapping[str, Any]) -> int:
    """The wizard over the posted invoices of the context."""
    posted = _of_context(env, "You can only reverse posted moves.")
    defaults = {"date": env.today(), "journal_id": posted[0]["journal_id"]}
    return orm.create(env, REVERSAL, {**defaults, **values, "move_ids": [move["id"] for move in posted]})


def refund_moves(env: Env, ids: list[int]) -> Row:
    """A draft credit note for each, with the same lines."""
    wizard = env.browse(REVERSAL, ids)[0]
    made = []
    for move in env.browse(MOVE, wizard["move_ids"]):
        reason = f", {wizard['reason']}" if wizard.get("reason") else ""
        lines = [[0, 0, {name: line[name] for name in _COPIED if name in line}] for line in lines_of(env, move["id"])]
        made.append(
            moves.create(
                env,
                {
                    "move_type": "out_refund",
                    "ref": f"Reversal of: {move['name']}{reason}",
                    "partner_id": move["partner_id"],
                    "journal_id": wizard["journal_id"],
                    "currency_id": move["currency_id"],
                    "invoice_date": wizard["date"],
                    "reversed_entry_id": move["id"],
                    "invoice_line_ids": lines,
                },
            )
        )
    action: Row = {"name": "Reverse Moves", "type": "ir.actions.act_window", "res_model": MOVE}
    if len(made) == 1:
        return {**action, "view_mode": "form", "res_id": made[0], "context": {"default_move_type": "out_refund"}}
    return {**action, "view_mode": "list,form", "domain": [["id", "in", made]]}


def _of_context(env: Env, otherwise: str) -> list[Row]:
    if env.context.get("active_model") != MOVE or not env.context.get("active_ids"):
        raise user_error("Give active_model and active_ids in the context.")
    found = env.browse(MOVE, env.context["active_ids"])
    if any(move["state"] != "posted" for move in found):
        raise user_error(otherwise)
    return found
