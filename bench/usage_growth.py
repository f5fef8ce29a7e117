"""Usage with 10^5 to 10^7 events of one tenant: reading, asking and reporting must not cost more with more of them."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from bench import load, usage_load
from bench.growth import exponent, median_latency
from bench.harness import Rounds, Row, Sample, Side, describe, interleave
from bench.places import Place, gunicorn, owner_of_new_tenant
from bench.usage_load import BATCH

SIZES = (100_000, 1_000_000, 10_000_000)
SECONDS = 2.0
WARM_UP_SECONDS = 1.5
BATCHES = 20
AIM = 0.05
READ = "/api/v1/usage/summary"
ASKED = "/api/v1/usage/permission?resource_type=api_calls&quantity=1"


def run(at: Place) -> list[Row]:
    """A database and a gunicorn per size, filled one after the other: some 6 GB of disk, which go with the run."""
    sizes = SIZES if at.share == 1 else SIZES[:2]
    with ExitStack() as stack:
        tenants = {size: stack.enter_context(_used(at, size)) for size in sizes}
        sides = {f"{what} {size}": side for size, all_of in tenants.items() for what, side in all_of.items()}
        rounds = interleave(sides, at.rounds)
    return [row for what in ("summary", "permission", "batch") for row in _rows(what, rounds, sizes)]


def _rows(what: str, rounds: Rounds, sizes: tuple[int, ...]) -> list[Row]:
    named = {size: rounds.samples[f"{what} {size}"] for size in sizes}
    sides = " / ".join(describe(named[size]) for size in (sizes[-1], sizes[0]))
    costs: dict[str, Callable[[Sample], float]] = {"CPU": lambda one: one.cpu_per_operation, "latency": median_latency}
    found = {of: exponent(named, cost) for of, cost in costs.items()}
    label = f"usage growth, {what}, 10^5..10^{len(str(sizes[-1])) - 1}: exponent of"
    return [
        Row(f"{label} {of}", str(each), f"≤ {AIM}", each.median <= AIM, sides if of == "CPU" else "")
        for of, each in found.items()
    ]


@contextmanager
def _used(at: Place, size: int) -> Iterator[dict[str, Side]]:
    """A portal whose tenant reported so many events, and the sides that read, ask and report more."""
    with at.database() as environment:
        tenant_id, _ = owner_of_new_tenant(environment)
        usage_load.fill(environment, tenant_id, size)
        token = usage_load.key_of(environment, tenant_id)
        with gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal:
            headers, seconds = usage_load.headers(token), SECONDS * at.share
            read, asked = (itertools.repeat(load.request("GET", path, headers)) for path in (READ, ASKED))
            portal.sample(read, WARM_UP_SECONDS)
            count = max(int(BATCHES * at.share), 5) * BATCH

            def report() -> Sample:
                return portal.sample(iter(usage_load.batches(token, usage_load.events(count))), float("inf"))

            report()
            yield {
                "summary": lambda: portal.sample(read, seconds),
                "permission": lambda: portal.sample(asked, seconds),
                "batch": report,
            }
