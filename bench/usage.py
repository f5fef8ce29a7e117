"""Usage: batches against COPY, one by one against a bare insert, the permission against a bare Redis GET, growth."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from bench import load, usage_growth, usage_load
from bench.harness import Measured, Meter, Row, Sample, digits, interleave
from bench.places import Place, Server, gunicorn, owner_connection, owner_of_new_tenant
from bench.usage_load import BATCH, Event

BATCHES, SINGLES = 150, 1_500
MEMORY_BATCHES = 1_000  # of 1,000: a million events
SECONDS = 3.0
WARM_UP_SECONDS = 1.5
CONNECTIONS = 4
COPY_AIM, COPY_LEAST, SINGLE_AIM, PERMISSION_AIM, MEMORY_AIM = 0.4, 0.25, 0.75, 2.0, 1.05
_BARE = """
    CREATE TABLE peer_copied (tenant_id uuid, event_id text, resource_type text NOT NULL, quantity numeric NOT NULL,
        counted_at timestamptz NOT NULL, source text NOT NULL, PRIMARY KEY (tenant_id, event_id));
    CREATE TABLE peer_usage (event_id text PRIMARY KEY, resource_type text NOT NULL, quantity numeric NOT NULL,
        counted_at timestamptz NOT NULL, source text NOT NULL)"""


def run(at: Place) -> list[Row]:
    """Everything of usage; the growth to 10^7 events in a full run only."""
    with at.database() as environment:
        tenant_id, _ = owner_of_new_tenant(environment)
        with owner_connection(environment) as connection:
            connection.execute(_BARE)
        token = usage_load.key_of(environment, tenant_id)
        with gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal:
            rows = [
                *_batches(at, environment, portal, tenant_id, token),
                *_singles(at, environment, portal, token),
                *_permission(at, environment, portal, token),
            ]
        rows.append(_memory(at, environment, token))
    return [*rows, *usage_growth.run(at)]


def _batches(at: Place, environment: Mapping[str, str], portal: Server, tenant_id: UUID, token: str) -> list[Row]:
    """The same new events by the route, by COPY in pieces of 1,000 that are committed, and by one COPY; then again."""
    count = max(int(BATCHES * at.share), 20) * BATCH
    turns: list[Sequence[Event]] = [usage_load.events(count) for _ in range(at.rounds)]
    told = {name: iter(turns) for name in ("new", "copied", "copied whole")}
    reported: list[Sequence[Event]] = []
    with owner_connection(environment) as connection:
        meter = Meter(at.postgres_pid)

        def new() -> Sample:
            reported.append(next(told["new"]))
            return _reported(portal, usage_load.batches(token, reported[-1]))

        def copied(name: str, pieces_of: int) -> Sample:
            pieces = list(usage_load.copied(tenant_id, next(told[name])))
            texts = ["".join(pieces[start : start + pieces_of]) for start in range(0, len(pieces), pieces_of)]
            with meter.measuring() as measured:
                for text in texts:
                    with connection.cursor().copy("COPY peer_copied FROM STDIN") as copy:
                        copy.write(text)
            connection.execute("TRUNCATE peer_copied")
            return _sample(measured, count)

        rounds = interleave(
            {
                "new": new,
                "replayed": lambda: _reported(portal, usage_load.batches(token, reported[-1])),
                "copied": lambda: copied("copied", 1),
                "copied whole": lambda: copied("copied whole", count),
            },
            at.rounds,
        )
    rate, whole = (rounds.ratios(lambda one: one.rate, "new", name) for name in ("copied", "copied whole"))
    again, cpu = rounds.ratios(lambda one: one.rate, "replayed", "new"), rounds.ratios(_cpu, "new", "copied")
    what = f"usage, batches of {BATCH:,}: events/s ÷ COPY"
    return [
        Row(f"{what} in batches", str(rate), f"≥ {COPY_AIM}", rate.median >= COPY_AIM, rounds.sides("new", "copied")),
        Row(f"{what} of all at once", str(whole), f"≥ {COPY_LEAST}", whole.median >= COPY_LEAST),
        Row("usage, batches: CPU ÷ COPY in batches", str(cpu)),
        Row("usage, batches: replayed ÷ new events/s", str(again), "≥ 1", again.median >= 1),
    ]


def _reported(portal: Server, requests: Sequence[bytes]) -> Sample:
    """So many batches over a few connections; operations are events."""
    found = portal.sample(iter(requests), float("inf"), connections=CONNECTIONS)
    return replace(found, operations=found.operations * BATCH)


def _singles(at: Place, environment: Mapping[str, str], portal: Server, token: str) -> list[Row]:
    count = max(int(SINGLES * at.share), 200)
    with gunicorn(at, "bench.peers:usage_app()", environment, settings="bench/gunicorn_peer.py") as peer:

        def measure(server: Server) -> Sample:
            return server.sample(iter(usage_load.singles(token, usage_load.events(count))), float("inf"))

        for server in (portal, peer):
            measure(server)
        rounds = interleave({"subject": lambda: measure(portal), "reference": lambda: measure(peer)}, at.rounds)
    rate, cpu = rounds.ratios(lambda one: one.rate), rounds.ratios(_cpu)
    what = "usage, one by one"
    return [
        Row(
            f"{what}: requests/s ÷ bare insert", str(rate), f"≥ {SINGLE_AIM}", rate.median >= SINGLE_AIM, rounds.sides()
        ),
        Row(f"{what}: CPU ÷ bare insert", str(cpu)),
    ]


def _permission(at: Place, environment: Mapping[str, str], portal: Server, token: str) -> list[Row]:
    path = "/api/v1/usage/permission?resource_type=api_calls&quantity=1"
    question = itertools.repeat(load.request("GET", path, usage_load.headers(token)))
    with gunicorn(at, "bench.peers:permission_app()", environment, settings="bench/gunicorn_peer.py") as peer:
        for server in (portal, peer):
            server.sample(question, WARM_UP_SECONDS)
        seconds = SECONDS * at.share
        rounds = interleave(
            {"subject": lambda: portal.sample(question, seconds), "reference": lambda: peer.sample(question, seconds)},
            at.rounds,
        )
    cpu, seconds_each = rounds.ratios(_cpu), rounds.ratios(lambda one: 1 / one.rate)
    what, aim = "usage, permission", f"≤ {PERMISSION_AIM}"
    return [
        Row(f"{what}: CPU ÷ bare Redis GET", str(cpu), aim, cpu.median <= PERMISSION_AIM, rounds.sides()),
        Row(f"{what}: seconds ÷ bare Redis GET", str(seconds_each), aim, seconds_each.median <= PERMISSION_AIM),
    ]


def _memory(at: Place, environment: Mapping[str, str], token: str) -> Row:
    """What the web processes hold after a tenth of the events, and after all of them."""
    count = max(int(MEMORY_BATCHES * at.share), 100)
    with gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal:
        held = []
        for part in (count // 10, count - count // 10):
            for request in _each(token, part):
                portal.sample(iter(request), float("inf"), connections=CONNECTIONS)
            held.append(portal.memory())
    grown = held[1] / held[0]
    sides = f"{digits(held[1] / 2**20)} MB / {digits(held[0] / 2**20)} MB"
    what = f"usage: memory of the web processes after {count * BATCH:,} events ÷ after a tenth"
    return Row(what, digits(grown), f"≤ {MEMORY_AIM}", grown <= MEMORY_AIM, sides)


def _each(token: str, batches: int) -> Iterator[list[bytes]]:
    """A few batches at a time: the generator's own memory is bounded, too."""
    for left in range(batches, 0, -20):
        yield usage_load.batches(token, usage_load.events(min(left, 20) * BATCH))


def _cpu(sample: Sample) -> float:
    return sample.cpu_per_operation


def _sample(measured: Measured, operations: int) -> Sample:
    return Sample(operations, measured.seconds, measured.cpu_seconds)
