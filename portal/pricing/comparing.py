"""Which of two prices is the dearer one, whatever their intervals."""

from typing import Literal

MONTHS = {"month": 1, "year": 12}

Direction = Literal["upgrade", "downgrade", "interval"]


def direction(
    amount_minor: int, interval: str, new_amount_minor: int, new_interval: str, *, interval_first: bool = True
) -> Direction:
    """What a change from one price to another is, by the amount per month; equal amounts count as an upgrade.

    Amounts in minor units of one currency per ``interval``. A change of interval is one whatever it costs, unless
    ``interval_first`` is off.
    """
    if interval_first and interval != new_interval:
        return "interval"
    # Compared crosswise: no amount is divided, so that none is rounded.
    new, old = new_amount_minor * MONTHS[interval], amount_minor * MONTHS[new_interval]
    return "downgrade" if new < old else "upgrade"
