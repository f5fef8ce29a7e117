"""Which function does which entry of the agenda."""

from . import agenda, checkout_sessions, test_clock_changes

_HANDLERS: dict[str, agenda.Handler] = {
    "checkout.session.expire": checkout_sessions.expire_due,
    "test_clock.delete": test_clock_changes.delete_due,
}


def register_all() -> None:
    """Makes every handler known to the agenda."""
    for what, handler in _HANDLERS.items():
        agenda.register(what, handler)
