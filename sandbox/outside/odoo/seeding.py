"""What is in Odoo from the start, and what a test puts there: companies, users, keys, and rows of any model."""

import secrets
from collections.abc import Mapping
from typing import Any

from ...engine.work import Work
from ..tables import Row
from . import keys, moves, orm
from .env import Env, table
from .errors import OdooError
from .schema import MODELS

DATABASE = "odoo"
ADMIN_KEY = "0d00ad41" * 5
BOT_KEY = "0d000b07" * 5
_MOST = 20_000
_COUNTRIES = {"ES": "Spain", "DE": "Germany", "FR": "France", "PT": "Portugal", "IT": "Italy", "NL": "Netherlands",
              "IE": "Ireland", "GB": "United Kingdom", "US": "United States", "MX": "Mexico", "BR": "Brazil",
              "AR": "Argentina", "CL": "Chile", "CO": "Colombia", "PE": "Peru"}  # fmt: skip
_CURRENCIES = {"EUR": ("€", 2), "USD": ("$", 2), "BRL": ("R$", 2), "MXN": ("$", 2), "CLP": ("$", 0), "JPY": ("¥", 0)}
# Worked out by Odoo, but a test has to be able to say: an attachment of a megabyte without a megabyte.
_SEEDABLE = {"ir.attachment": {"file_size", "create_uid"}, "sale.order": {"amount_untaxed", "amount_tax"}}


def ensure(work: Work) -> None:
    """Makes the first company with its journals and taxes, an administrator, a bot, and a key for each."""
    if table(work, "res.company").find(1) is not None:
        return
    for code, name in _COUNTRIES.items():
        table(work, "res.country").insert({"name": name, "code": code})
    for code, (symbol, places) in _CURRENCIES.items():
        row = {"name": code, "symbol": symbol, "decimal_places": places, "active": True}
        table(work, "res.currency").insert(row)
    add_company(work, {"name": "My Company"})
    # The first user is the administrator in whose name everything is seeded.
    add_user(work, {"name": "Mitchell Admin", "login": "admin", "is_admin": True, "key": ADMIN_KEY})
    add_user(work, {"name": "Billing Bot", "login": "billing", "key": BOT_KEY})


def add_company(work: Work, given: Mapping[str, Any]) -> Row:
    """A company: `name`, `currency` (EUR). It gets journals for sales and bank, and taxes of 21 and 0 per cent."""
    _only(given, {"name", "currency", "vat", "email"})
    names = {row["name"]: row["id"] for row in table(work, "res.currency").rows()}
    currency = names.get(given.get("currency", "EUR"))
    if currency is None:
        raise ValueError(f"currency is one of {', '.join(names)}")
    rest = {name: value for name, value in given.items() if name != "currency"}
    company = table(work, "res.company").insert({**rest, "currency_id": currency})
    for name, code, kind in (("Customer Invoices", "INV", "sale"), ("Bank", "BNK1", "bank")):
        table(work, "account.journal").insert(
            {"name": name, "code": code, "type": kind, "company_id": company["id"], "active": True}
        )
    for amount in (21.0, 0.0):
        tax = {"name": f"{amount:.0f}% S", "amount": amount, "amount_type": "percent", "type_tax_use": "sale"}
        table(work, "account.tax").insert({**tax, "tax_scope": "service", "company_id": company["id"], "active": True})
    return company


def add_user(work: Work, given: Mapping[str, Any]) -> Row:
    """A user: `name`, `login`, `is_admin`, `share` (portal users), `login_date`, `company_ids`, `denied` (models it
    may not touch), `key` and `key_expires` ("2026-12-31 00:00:00"). Returns it with its key in clear.
    """
    known = {"name", "login", "email", "is_admin", "share", "active", "login_date", "company_ids", "denied", "key",
             "key_expires", "password"}  # fmt: skip
    _only(given, known)
    companies = [row["id"] for row in table(work, "res.company").rows()]
    mine = list(given.get("company_ids") or companies[:1])
    user = table(work, keys.USERS).insert(
        {
            "login": given.get("login") or str(given["name"]).lower(),
            "active": True,
            "share": False,
            **{name: value for name, value in given.items() if not name.startswith("key")},
            "company_id": mine[0],
            "company_ids": mine,
        }
    )
    key = str(given.get("key") or secrets.token_hex(20))
    if not user["share"]:
        keys.add(work, user["id"], key, expires=given.get("key_expires"))
    return {**user, "key": None if user["share"] else key}


def seed(work: Work, given: Mapping[str, Any]) -> dict[str, list[int]]:
    """Rows by model: `{"sale.order": [{"partner_id": 1, "state": "sale", "count": 12}]}`; returns the ids.

    Beside Odoo's models: `companies` and `users`. Written as the administrator of all companies. ValueError when wrong.
    """
    ensure(work)
    made: dict[str, list[int]] = {}
    for name, rows in given.items():
        for row in rows:
            many = int(row.get("count", 1))
            if not 0 <= many <= _MOST:
                raise ValueError(f"count is 0 to {_MOST}")
            content = {key: value for key, value in row.items() if key != "count"}
            made.setdefault(name, []).extend(_one(work, name, content) for _ in range(many))
    return made


def _one(work: Work, name: str, row: Row) -> int:
    if name == "companies":
        company = add_company(work, row)
        table(work, keys.USERS).change(1)["company_ids"] = [each["id"] for each in table(work, "res.company").rows()]
        return int(company["id"])
    if name == "users":
        return int(add_user(work, row)["id"])
    if name not in MODELS:
        raise ValueError(f"unknown key {name!r}; known are: companies, users, {', '.join(MODELS)}")
    admin = dict(table(work, keys.USERS).find(1) or {})
    env = Env(work, admin, {"allowed_company_ids": admin["company_ids"]})
    told = {key: value for key, value in row.items() if key in _SEEDABLE.get(name, ())}
    try:
        content = {key: value for key, value in row.items() if key not in told}
        made = moves.create(env, content) if name == moves.MOVE else orm.create(env, name, content)
    except OdooError as error:
        raise ValueError(f"{name}: {error.message}") from error
    table(work, name).change(made).update(told)
    return made


def clear(work: Work) -> None:
    """Takes everything out; the first company, users and keys come back."""
    for model in MODELS:
        table(work, model).start_over()


def _only(given: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(given) - known:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known are: {', '.join(sorted(known))}")
