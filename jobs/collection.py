"""Payment methods and getting paid: what requests left behind, the backup's turn, standings, cards that expire."""

from portal.billing import collection_works, expiring, method_sessions, method_works, standing
from portal.outbox import Retry, handler, periodic

handler("method_setup.open")(method_sessions.open_session)
handler("method_setup.expire")(method_sessions.expire_session)
handler("payment_method.default")(method_works.set_default)
handler("payment_method.remove")(method_works.detach)
handler("invoice.collect")(collection_works.collect)
handler("invoice.try_backup")(collection_works.try_backup)


@periodic("settle_standings", every_seconds=300)
def settle_standings() -> None:
    """Who is overdue for so long that something changes; many at once are moved in turns with other work."""
    if standing.settle_due() == standing.AT_ONCE:
        raise Retry(0, "there are more tenants to look at")


@periodic("tell_of_expiring_cards", every_seconds=86400)
def tell_of_expiring_cards() -> None:
    """Cards that are charged and end in this month or the next."""
    expiring.tell()
