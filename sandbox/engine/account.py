"""The one account of this sandbox: its id is part of the state, so that a portal can bind to it."""

from .work import Obj, Work

META = "_meta"
NAME = "Sandbox"
EMAIL = "sandbox@example.com"
COUNTRY = "US"


def ensure(work: Work) -> str:
    """The account's id, made at the first start of a state."""
    found = work.find(META, "account")
    if found is None:
        found = work.add(META, {"id": "account", "account": work.new_id("acct"), "created": work.now})
    account: str = found["account"]
    return account


def retrieve(work: Work, _params: Obj) -> Obj:
    """GET /v1/account."""
    saved = work.read(META, "account")
    return {
        "id": saved["account"],
        "object": "account",
        "business_type": "company",
        "capabilities": {"card_payments": "active", "transfers": "active"},
        "charges_enabled": True,
        "country": COUNTRY,
        "created": saved["created"],
        "default_currency": "usd",
        "details_submitted": True,
        "email": EMAIL,
        "metadata": {},
        "payouts_enabled": True,
        "type": "standard",
    }
