"""Redis frozen: how much later the slowest webhook and page are answered than with Redis well, in every round.

Frozen is the worst of its outages: connections stay open and nothing is answered, where a dead one refuses at once.
"""

import itertools
import os
import signal
from collections.abc import Callable, Iterator

from bench import load
from bench.harness import Figure, Row, Sample, interleave
from bench.places import BROWSER_HEADERS, Place, Server, gunicorn, owner_of_new_tenant, sign_in
from bench.seeds import insert_invoices
from bench.webhook import deliveries
from portal.outbox.wake import PAUSE_SECONDS

INVOICES = 50
# Longer than the bell leaves a silent Redis alone, so that each round pays for trying it.
SECONDS = PAUSE_SECONDS + 2.0
CONNECTIONS = 2
AIM = 0.2


def run(at: Place) -> list[Row]:
    """Deliveries and invoice lists over two connections each, Redis well and frozen by turns."""
    with at.database() as environment:
        tenant_id, email = owner_of_new_tenant(environment)
        insert_invoices(environment, tenant_id, INVOICES)
        with gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal:
            page = load.request("GET", "/invoices", {**BROWSER_HEADERS, "Cookie": sign_in(portal.port, email)})
            kinds: dict[str, Callable[[], Iterator[bytes]]] = {
                "webhook": deliveries,
                "invoice list": lambda: itertools.repeat(page),
            }
            return [_row(at, portal, what, messages) for what, messages in kinds.items()]


def _row(at: Place, portal: Server, what: str, messages: Callable[[], Iterator[bytes]]) -> Row:
    def well() -> Sample:
        return portal.sample(messages(), SECONDS, connections=CONNECTIONS)

    def frozen() -> Sample:
        os.kill(at.valkey_pid, signal.SIGSTOP)
        try:
            return well()
        finally:
            os.kill(at.valkey_pid, signal.SIGCONT)

    well()
    rounds = interleave({"frozen": frozen, "well": well}, at.rounds)
    pairs = zip(rounds.samples["frozen"], rounds.samples["well"], strict=True)
    later = Figure.of(max(one.latencies) - max(other.latencies) for one, other in pairs)
    return Row(
        f"redis frozen: seconds that the slowest {what} is later",
        str(later),
        f"≤ {AIM}",
        later.largest <= AIM,  # nobody waits longer: of all rounds, not of the one in the middle
        rounds.sides("frozen", "well"),
    )
