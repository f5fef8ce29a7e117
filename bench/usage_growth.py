"""Usage with 10^5 to 10^7 events of one tenant: looking, asking and reporting must not cost more with more of them."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from uuid import UUID, uuid4

from bench import load, usage_load
from bench.growth import exponent, median_latency
from bench.harness import Rounds, Row, Sample, Side, describe, interleave
from bench.places import BROWSER_HEADERS, Place, Server, gunicorn, owner_of_new_tenant, sign_in
from bench.usage_load import BATCH
from portal.ids import uuid7

SIZES = (100_000, 1_000_000, 10_000_000)
SECONDS = 2.0
WARM_UP_SECONDS = 1.5
BATCHES, SINGLES = 20, 400
AIM = 0.05
LOOKED = ("page", "detail", "charge")
ASKED = "/api/v1/usage/permission?resource_type=api_calls&quantity=1"


def run(at: Place) -> list[Row]:
    """A database and a gunicorn per size, filled one after the other: some 6 GB of disk, which go with the run.

    10^7 events in a full run only.
    """
    sizes = SIZES if at.share == 1 else SIZES[:2]
    with ExitStack() as stack:
        tenants = {size: stack.enter_context(_used(at, size)) for size in sizes}
        sides = {f"{what} {size}": side for size, all_of in tenants.items() for what, side in all_of.items()}
        rounds = interleave(sides, at.rounds)
    return [
        row
        for what in (*LOOKED, "permission", "batch", "batch of random ids", "single")
        for row in _rows(what, rounds, sizes)
    ]


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
    """A portal whose tenant reported so many events, and the sides that look, ask and report more."""
    with at.database() as environment:
        tenant_id, email = owner_of_new_tenant(environment)
        usage_load.fill(environment, tenant_id, size)
        charge, day = usage_load.charge_of(environment, tenant_id)
        token = usage_load.key_of(environment, tenant_id)
        with gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal:
            cookie = {**BROWSER_HEADERS, "Cookie": sign_in(portal.port, email)}
            paths = ("/usage", f"/usage?resource=api_calls&day={day}", f"/usage/charges/{charge}?day={day}")
            looked = {what: load.request("GET", path, cookie) for what, path in zip(LOOKED, paths, strict=True)}
            asked = {**looked, "permission": load.request("GET", ASKED, usage_load.headers(token))}
            portal.sample(itertools.cycle(asked.values()), WARM_UP_SECONDS)
            reporting = _reporting(at, portal, token)
            for report in reporting.values():
                report()
            yield {**{what: _asking(at, portal, each) for what, each in asked.items()}, **reporting}


def _asking(at: Place, portal: Server, request: bytes) -> Side:
    return lambda: portal.sample(itertools.repeat(request), SECONDS * at.share)


def _reporting(at: Place, portal: Server, token: str) -> dict[str, Side]:
    """New events, 1,000 in a request, with ids that begin with the time and with random ones; and one in each."""
    batched, single = (max(int(BATCHES * at.share), 5) * BATCH, max(int(SINGLES * at.share), 100))

    def batches(new_id: Callable[[], UUID] = uuid7) -> Sample:
        return portal.sample(iter(usage_load.batches(token, usage_load.events(batched, new_id))), float("inf"))

    def singles() -> Sample:
        return portal.sample(iter(usage_load.singles(token, usage_load.events(single))), float("inf"))

    return {"batch": batches, "batch of random ids": lambda: batches(uuid4), "single": singles}
