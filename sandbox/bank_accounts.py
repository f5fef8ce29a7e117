"""The test bank accounts: what a debit of each does (docs.stripe.com/payments/ach-direct-debit and sepa-debit).

As with the cards, no other account is accepted. American accounts count as verified: microdeposits are not
modelled.
"""

from dataclasses import dataclass

from .cards import Decline, Dispute

ROUTING_NUMBER = "110000000"


@dataclass(frozen=True, slots=True)
class Account:
    """A test account. `fails`: why its debits fail, days later; `endless`: they stay in processing for ever."""

    type: str
    number: str
    name: str
    fails: Decline | None = None
    dispute: Dispute | None = None
    endless: bool = False

    @property
    def last4(self) -> str:
        """The last four characters of the number."""
        return self.number[-4:]


# Stripe's `failure_code`s; what the last error of the intent says besides is assumed.
CLOSED = Decline("account_closed", "", "The customer's bank account has been closed.")
NO_ACCOUNT = Decline("no_account", "", "The customer's bank account could not be found.")
FUNDS = Decline("insufficient_funds", "", "The customer's account has insufficient funds to cover this payment.")
NOT_AUTHORIZED = Decline("debit_not_authorized", "", "The customer has told the bank that this debit is unauthorized.")
CURRENCY = Decline("bank_account_unusable", "", "The bank account cannot be debited in this currency.")
LIMIT = Decline("charge_exceeds_source_limit", "", "The payment exceeds the account's weekly limit.")
REFUSED = Decline("payment_method_provider_decline", "", "The bank refused the debit.")


def _american() -> list[Account]:
    kind = "us_bank_account"
    return [
        Account(kind, "000123456789", "success"),
        Account(kind, "000111111113", "accountClosed", fails=CLOSED),
        Account(kind, "000111111116", "noAccount", fails=NO_ACCOUNT),
        Account(kind, "000222222227", "insufficientFunds", fails=FUNDS),
        Account(kind, "000333333335", "debitNotAuthorized", fails=NOT_AUTHORIZED),
        Account(kind, "000444444440", "invalidCurrency", fails=CURRENCY),
        Account(kind, "000777777771", "weeklyLimitExceeded", fails=LIMIT),
        Account(kind, "000555555559", "dispute", dispute="debit_not_authorized"),
        Account(kind, "000000000009", "processing", endless=True),
    ]


def _european() -> list[Account]:
    """Per country: success, the same later, failure, the same later, dispute, no funds. All take days here."""
    ibans = {
        "at": (
            "AT611904300234573201", "AT321904300235473204", "AT861904300235473202", "AT051904300235473205",
            "AT591904300235473203", "AT981904300002222227",
        ),
        "be": (
            "BE62510007547061", "BE78510007547064", "BE68539007547034", "BE51510007547065", "BE08510007547063",
            "BE90510002222227",
        ),
        "de": (
            "DE89370400440532013000", "DE08370400440532013003", "DE62370400440532013001", "DE78370400440532013004",
            "DE35370400440532013002", "DE65370400440002222227",
        ),
        "fr": (
            "FR1420041010050500013M02606", "FR3020041010050500013M02609", "FR8420041010050500013M02607",
            "FR7920041010050500013M02600", "FR5720041010050500013M02608", "FR9720041010050000002222227",
        ),
    }  # fmt: skip
    accounts = []
    for country, (success, success_later, failed, failed_later, disputed, funds) in ibans.items():
        accounts += [
            _iban(success, f"success_{country}"),
            _iban(success_later, f"successDelayed_{country}"),
            _iban(failed, f"failed_{country}", fails=REFUSED),
            _iban(failed_later, f"failedDelayed_{country}", fails=REFUSED),
            _iban(disputed, f"disputed_{country}", dispute="debit_not_authorized"),
            _iban(funds, f"insufficientFunds_{country}", fails=FUNDS),
        ]
    return accounts


def _iban(number: str, name: str, *, fails: Decline | None = None, dispute: Dispute | None = None) -> Account:
    return Account("sepa_debit", number, name, fails=fails, dispute=dispute)


_ACCOUNTS = [*_american(), *_european()]
BY_NUMBER = {account.number: account for account in _ACCOUNTS}
_BY_NAME = {(account.type, account.name): account for account in _ACCOUNTS}


def by_payment_method(payment_method_id: str) -> Account | None:
    """The account behind a ready-made id: `pm_usBankAccount_success`, `pm_sepaDebit_failed_de`, `pm_success_at`.

    `pm_usBankAccount` and `pm_sepaDebit` alone are ones that succeed.
    """
    for prefix, kind, default in (
        ("pm_usBankAccount", "us_bank_account", "success"),
        ("pm_sepaDebit", "sepa_debit", "success_de"),
    ):
        if payment_method_id == prefix:
            return _BY_NAME[kind, default]
        if payment_method_id.startswith(f"{prefix}_"):
            return _BY_NAME.get((kind, payment_method_id.removeprefix(f"{prefix}_")))
    return _BY_NAME.get(("sepa_debit", payment_method_id.removeprefix("pm_")))


def iban_valid(iban: str) -> bool:
    """Whether the check digits fit (ISO 13616: modulo 97)."""
    if not iban.isalnum() or not iban.isascii() or not 15 <= len(iban) <= 34:
        return False
    return int("".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])) % 97 == 1
