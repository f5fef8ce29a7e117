"""What an account's owner sets in Stripe's Dashboard and no API call reaches, as far as the engine asks for it.

after_final_failure: what becomes of a subscription when the last try failed: cancel, unpaid or past_due.
retry_days: when a failed payment is tried again, in days after the first failure (assumed: Smart Retries choose
their own times; 8 tries in two weeks is their default).
upcoming_days: how many days before a renewal invoice.upcoming is told (assumed: 7).
tax_registrations: where automatic tax is collected, and how much: percentages by country or country and state,
for example {"ES": 21, "US-CA": 7.25}. Nowhere at first, as in a new account.
automatic_payouts: whether everything that is available is paid out daily, from a day after this is switched on.
will_be_due_days: how many days before its due date invoice.will_be_due is told (assumed: 3).
"""

import re
from typing import Any

from . import agenda
from .work import Obj, Work

PAYOUTS = "payout.daily"
_DAY = 86400
_PLACE = ("_meta", "settings")
DEFAULTS: Obj = {
    "id": "settings",
    "after_final_failure": "cancel",
    "retry_days": [1, 2, 4, 6, 8, 10, 12, 14],
    "tax_registrations": {},
    "upcoming_days": 7,
    "will_be_due_days": 3,
    "automatic_payouts": False,
}
_ENDINGS = ("cancel", "unpaid", "past_due")


def current(work: Work) -> Obj:
    """The settings in force."""
    return {**DEFAULTS, **(work.find(*_PLACE) or {})}


def change(work: Work, given: dict[str, Any]) -> Obj:
    """Sets what is given and returns all. ValueError says what is wrong."""
    for name, value in given.items():
        if name not in DEFAULTS or name == "id" or type(value) is not type(DEFAULTS[name]):
            raise ValueError(f"{name}: give any of {', '.join(n for n in DEFAULTS if n != 'id')} with a fitting value")
    changed = {**current(work), **given}
    if changed["after_final_failure"] not in _ENDINGS:
        raise ValueError(f"after_final_failure is one of {', '.join(_ENDINGS)}")
    days = changed["retry_days"]
    if not all(isinstance(day, int) and day > 0 for day in days) or sorted(set(days)) != days:
        raise ValueError("retry_days is a list of days, each later than the one before")
    for place, percentage in changed["tax_registrations"].items():
        if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", place) or not _is_percentage(percentage):
            raise ValueError("tax_registrations has percentages by country (ES) or country and state (US-CA)")
    if changed["upcoming_days"] < 0 or changed["will_be_due_days"] < 0:
        raise ValueError("days are not negative")
    if changed["automatic_payouts"] and not current(work)["automatic_payouts"]:
        agenda.put(work, PAYOUTS, "account", work.now + _DAY)
    return work.add(_PLACE[0], changed)


def _is_percentage(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100
