"""The invoice list from 10^3 to 10^6 invoices of one tenant: what a page costs must not grow with the list."""

import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from uuid import UUID

from bench import load
from bench.harness import Figure, Rounds, Row, Sample, Side, describe, interleave
from bench.places import BROWSER_HEADERS, Place, gunicorn, owner_connection, owner_of_new_tenant, sign_in
from bench.seeds import insert_invoices
from portal import config, tenancy
from portal.app import create_app
from portal.extensions import db
from portal.invoicing import invoices
from tests.support import database

SIZES = (1_000, 10_000, 100_000, 1_000_000)
SECONDS = 2.0
WARM_UP_SECONDS = 1.5
AIM = 0.02
INDEX = "invoices_newest_idx"


def run(at: Place) -> list[Row]:
    """A database and a gunicorn per size; each round asks all of them for the newest page and one deep inside."""
    with ExitStack() as stack:
        lists = {size: stack.enter_context(_listing(at, size)) for size in SIZES}
        rounds = interleave(
            {f"{where} {size}": sides[where] for where in ("newest", "middle") for size, sides in lists.items()},
            at.rounds,
        )
    return [*_rows("newest", rounds), *_rows("middle", rounds)]


def _rows(where: str, rounds: Rounds) -> list[Row]:
    named = {size: rounds.samples[f"{where} {size}"] for size in SIZES}
    sides = " / ".join(describe(named[size]) for size in (SIZES[-1], SIZES[0]))
    cpu, latency = exponent(named, lambda one: one.cpu_per_operation), exponent(named, median_latency)
    what = f"growth, {where} page, 10^3..10^6: exponent of"
    return [
        Row(f"{what} CPU", str(cpu), f"≤ {AIM}", cpu.median <= AIM, sides),
        Row(f"{what} latency", str(latency), f"≤ {AIM}", latency.median <= AIM),
    ]


def median_latency(sample: Sample) -> float:
    """Seconds that half of the requests did not take."""
    return statistics.median(sample.latencies)


def exponent(named: Mapping[int, Sequence[Sample]], of: Callable[[Sample], float]) -> Figure:
    """The slope of log(cost) over log(size), of every round."""
    sizes = [math.log(size) for size in named]
    turns = zip(*named.values(), strict=True)
    return Figure.of(
        statistics.linear_regression(sizes, [math.log(of(sample)) for sample in turn]).slope for turn in turns
    )


@contextmanager
def _listing(at: Place, size: int) -> Iterator[dict[str, Side]]:
    """A portal whose tenant has ``size`` invoices, and the sides that ask for the newest and a middle page."""
    with at.database() as environment:
        tenant_id, email = owner_of_new_tenant(environment)
        insert_invoices(environment, tenant_id, size)
        _check_plan(environment, tenant_id)
        with gunicorn(at, "wsgi:app", environment, settings="portal/gunicorn_conf.py") as portal:
            headers = {**BROWSER_HEADERS, "Cookie": sign_in(portal.port, email)}
            paths = ("/invoices", f"/invoices?after={_middle(environment, size)}")
            newest, middle = (itertools.repeat(load.request("GET", path, headers)) for path in paths)
            portal.sample(newest, WARM_UP_SECONDS)
            seconds = SECONDS * at.share
            yield {
                "newest": lambda: portal.sample(newest, seconds),
                "middle": lambda: portal.sample(middle, seconds),
            }


def _middle(environment: Mapping[str, str], size: int) -> str:
    with owner_connection(environment) as connection:
        found = connection.execute(
            "SELECT created_at, id FROM invoices ORDER BY created_at DESC OFFSET %s LIMIT 1", (size // 2,)
        ).fetchone()
    assert found is not None
    return invoices.cursor(*found)


def _check_plan(environment: Mapping[str, str], tenant_id: UUID) -> None:
    """Stop when the page's statement, as the web role sends it, does not walk the keyset index, or sorts."""
    app = create_app("web", settings=config.load(environment))
    with app.app_context():
        with tenancy.bound(tenant_id):
            literal = invoices.listing(None).compile(db.engine, compile_kwargs={"literal_binds": True})
            plan = db.session.connection().exec_driver_sql(f"EXPLAIN {literal}").scalars().all()
        database.dispose(app)
    text = "\n".join(plan)
    assert INDEX in text, text
    assert "Sort" not in text, text
