"""Small work by the hundred: one claim, one transaction and one finish for kinds that only write rows.

For kinds registered with ``batched=True``: work that comes by the thousand, such as usage; what speaks to Stripe or a
mail server is done one by one. Each row keeps a lease of its own. What fails, or was taken before, is
done by itself: a row that spoils its batch, or kills its worker, does so once.
"""

import logging
import time
from collections.abc import Sequence

from sqlalchemy import func as sql
from sqlalchemy import text

from portal import tenancy
from portal.extensions import db
from portal.models import OutboxRow
from portal.outbox import leases, registry
from portal.outbox.work import Work

LIMIT = 500
# The rest is given back, so that no lease ends under work that is only slow.
SECONDS = leases.LEASE.total_seconds() / 3
# Fresh rows of the same kind and tenant, under the same token. ARRAY() has the rows chosen once.
_CLAIM_MORE = text("""
    UPDATE outbox SET lease_token = :token, lease_until = now() + :lease, attempts = 1
    WHERE id = ANY(ARRAY(
        SELECT id FROM outbox
        WHERE done_at IS NULL AND dead_at IS NULL AND next_at <= now() AND lease_token IS NULL AND attempts = 0
          AND kind = :kind AND tenant_id IS NOT DISTINCT FROM CAST(:tenant_id AS uuid)
        ORDER BY next_at LIMIT :limit FOR UPDATE SKIP LOCKED))
    RETURNING id, key, payload""")

log = logging.getLogger("portal.outbox")


def claim_more(first: Work) -> list[Work]:
    """``first`` and what may be done with it in one go, claimed in a transaction of its own."""
    if not registry.is_batched(first.kind) or first.attempts > 1:
        return [first]
    values = {"token": first.token, "lease": leases.LEASE, "kind": first.kind, "tenant_id": first.tenant_id}
    rows = db.session.execute(_CLAIM_MORE, {**values, "limit": LIMIT - 1}).all()
    db.session.commit()
    return [first, *(Work(row.id, first.kind, row.key, first.token, first.tenant_id, row.payload, 1) for row in rows)]


def run(works: Sequence[Work]) -> int:
    """Do works of one claim in one transaction; returns how many were done, 0 when they have to be done singly.

    What there was no time for is given back.
    """
    function, until = registry.handler_of(works[0].kind), time.monotonic() + SECONDS
    done: list[Work] = []
    try:
        with tenancy.bound(works[0].tenant_id):
            for work in works:
                if time.monotonic() > until:
                    break
                function(work)
                done.append(work)
            leases.settle(done, done_at=sql.now(), last_error=None)
            _give_back(works[len(done) :])
            db.session.commit()
    except Exception:
        log.warning("a batch failed; each is done by itself", extra={"kind": works[0].kind}, exc_info=True)
        return 0
    return len(done)


def give_back(works: Sequence[Work]) -> None:
    """Let others have what was claimed and not begun. Commits."""
    tenancy.fresh()
    _give_back(works)
    db.session.commit()


def _give_back(works: Sequence[Work]) -> None:
    if works:
        leases.settle(works, lease_token=None, lease_until=None, attempts=OutboxRow.attempts - 1)
