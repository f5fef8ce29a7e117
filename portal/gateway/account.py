"""Account binding: the data belongs to one Stripe account, in one mode, at one host (design §5.12)."""

from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select, update

from portal.config import Settings
from portal.errors import DomainError, Unavailable
from portal.extensions import db
from portal.gateway.client import as_dict, gateway
from portal.models import Installation


class AccountMismatch(DomainError):
    """The key opens another Stripe account than the data belongs to: refuse to start."""

    code = "stripe_account_mismatch"
    status = 503

    def __str__(self) -> str:
        return str(self.params["detail"])


class MoneyStopped(Unavailable):
    """The kill switch is on: no work that moves money starts."""

    code = "money_stopped"
    message = "Payments are paused for maintenance."
    remedy = "Nothing was charged. Please try again later."


def bind_account() -> str:
    """Store the account on the first start, compare it on every later one. Runs on the owner's role.

    Returns the account's id. Raises :class:`AccountMismatch`, or :class:`portal.gateway.errors.StripeFailure`.
    """
    account_id, livemode = _opened_account()
    db.session.execute(
        update(Installation)
        .where(Installation.stripe_account_id.is_(None))
        .values(stripe_account_id=account_id, livemode=livemode, stripe_api_base=_settings().stripe_api_base)
    )
    db.session.commit()
    _compare(account_id, livemode)
    return account_id


def verify_account() -> None:
    """Compare the account that the key opens with the one that the data belongs to; any role may.

    Raises :class:`AccountMismatch` with a sentence that says how to go on.
    """
    _compare(*_opened_account())


def _opened_account() -> tuple[str, bool]:
    account = as_dict(gateway().read(lambda s: s.v1.accounts.retrieve_current()))
    return str(account["id"]), _settings().is_livemode


def _compare(account_id: str, livemode: bool) -> None:
    installed = db.session.scalars(select(Installation)).one()
    db.session.rollback()
    expected = (installed.stripe_account_id, installed.livemode, installed.stripe_api_base)
    # The host alone: the sandbox keeps its account when it has to move to another port.
    here, there = urlsplit(_settings().stripe_api_base).hostname, urlsplit(expected[2] or "").hostname
    if expected[:2] == (account_id, livemode) and here == there:
        return
    raise AccountMismatch(
        detail=(
            f"STRIPE_API_KEY opens account {account_id} ({_mode(livemode)} mode) at {_settings().stripe_api_base}, but "
            f"this database belongs to {expected[0]} ({_mode(bool(expected[1]))} mode) at {expected[2]}. Use that "
            "account's key, or start with an empty database: another DATABASE_URL, or ./run reset for the built-in one."
        )
    )


def _mode(livemode: bool) -> str:
    return "live" if livemode else "test"


def _settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def require_money_allowed() -> None:
    """Raises :class:`MoneyStopped` while the kill switch is on."""
    if db.session.scalar(select(Installation.money_stopped_at)) is not None:
        raise MoneyStopped
