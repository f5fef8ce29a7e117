"""The signed-in list of 50 invoices against a bare Flask view that answers JSON, on the same gunicorn."""

import itertools

from bench import load
from bench.harness import Row, interleave
from bench.places import BROWSER_HEADERS, Place, gunicorn, owner_of_new_tenant, sign_in
from bench.seeds import insert_invoices

INVOICES = 50
SECONDS = 4.0
WARM_UP_SECONDS = 1.5
RATE_AIM = 0.22
CPU_AIM = 5.5


def run(at: Place) -> list[Row]:
    """Eight connections, each signed in as the tenant's owner."""
    with at.database() as environment:
        tenant_id, email = owner_of_new_tenant(environment)
        insert_invoices(environment, tenant_id, INVOICES)
        with (
            gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal,
            gunicorn(at, "bench.peers:json_app()", environment, settings="bench/gunicorn_peer.py") as peer,
        ):
            headers = {**BROWSER_HEADERS, "Cookie": sign_in(portal.port, email)}
            page = itertools.repeat(load.request("GET", "/invoices", headers))
            bare = itertools.repeat(load.request("GET", "/", BROWSER_HEADERS))
            portal.sample(page, WARM_UP_SECONDS)
            peer.sample(bare, WARM_UP_SECONDS)
            seconds = SECONDS * at.share
            rounds = interleave(
                {"subject": lambda: portal.sample(page, seconds), "reference": lambda: peer.sample(bare, seconds)},
                at.rounds,
            )
    rate, cpu = rounds.ratios(lambda one: one.rate), rounds.ratios(lambda one: one.cpu_per_operation)
    p95 = rounds.ratios(lambda one: one.percentile(95))
    sides = rounds.sides()
    return [
        Row("invoices: pages/s ÷ bare JSON view", str(rate), f"≥ {RATE_AIM}", rate.median >= RATE_AIM, sides),
        Row("invoices: CPU ÷ bare JSON view", str(cpu), f"≤ {CPU_AIM}", cpu.median <= CPU_AIM),
        Row("invoices: p95 ÷ bare JSON view", str(p95)),
    ]
