"""Which function does which entry of the agenda."""

from . import agenda, checkout_sessions, coupons, discounts, promotion_codes, test_clock_changes

_HANDLERS: dict[str, agenda.Handler] = {
    "checkout.session.expire": checkout_sessions.expire_due,
    coupons.EXPIRE: coupons.expire_due,
    discounts.END: discounts.end_due,
    promotion_codes.EXPIRE: promotion_codes.expire_due,
    "test_clock.delete": test_clock_changes.delete_due,
}


def register_all() -> None:
    """Makes every handler known to the agenda."""
    for what, handler in _HANDLERS.items():
        agenda.register(what, handler)
