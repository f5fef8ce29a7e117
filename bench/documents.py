"""Documents: two worker processes on the real queue, and one renderer, against warm WeasyPrint with the same HTML."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from typing import Any
from uuid import UUID

from sqlalchemy import select

from bench import peers
from bench.harness import Meter, Row, Sample, interleave
from bench.places import PATIENCE_SECONDS, ROOT, Place, owner_connection, owner_of_new_tenant
from bench.seeds import insert_documents_to_do
from portal import config, tenancy
from portal.app import create_app
from portal.extensions import db
from portal.invoicing.contents import snapshot_of
from portal.models import Invoice
from portal.outbox.wake import bell
from tests.support import database

DOCUMENTS = 60
WORKERS = 2
AIM, MOST_CPU = 1.9, 1.1


def run(at: Place) -> list[Row]:
    """One-page invoices of 12 lines. The portal's side reads, renders, stores, audits; mails are told already."""
    with at.database() as environment, ExitStack() as stack:
        tenant_id, _ = owner_of_new_tenant(environment)
        app = create_app("worker", settings=config.load(environment))
        stack.enter_context(app.app_context())
        stack.callback(database.dispose, app)
        pids = stack.enter_context(_workers(at, environment))
        pool = stack.enter_context(ProcessPoolExecutor(1, mp_context=get_context("spawn")))

        documents = int(DOCUMENTS * at.share)

        def through_the_queue() -> Sample:
            insert_documents_to_do(environment, tenant_id, documents)
            with Meter(*pids, at.postgres_pid, at.valkey_pid).measuring() as measured:
                for _ in range(WORKERS):
                    bell().ring()
                _await_documents(environment)
            return Sample(documents, measured.seconds, measured.cpu_seconds)

        _warm_up(through_the_queue, at)
        pages, frozen = _pages(tenant_id)

        def in_one_process(work: Callable[[list[Any]], int], given: list[Any]) -> Sample:
            with Meter(pool.submit(os.getpid).result()).measuring() as measured:
                pool.submit(work, given).result()
            return Sample(len(given), measured.seconds, measured.cpu_seconds)

        def alone() -> Sample:
            return in_one_process(peers.render_all, pages)

        def rendered() -> Sample:
            return in_one_process(peers.render_documents, frozen)

        alone(), rendered()
        rounds = interleave({"subject": through_the_queue, "reference": alone}, at.rounds)
        renderings = interleave({"subject": rendered, "reference": alone}, at.rounds)
    rate, whole = rounds.ratios(lambda one: one.rate), rounds.ratios(lambda one: one.cpu_per_operation)
    cpu = renderings.ratios(lambda one: one.cpu_per_operation)
    return [
        Row("documents: two workers ÷ one warm WeasyPrint", str(rate), f"≥ {AIM}", rate.median >= AIM, rounds.sides()),
        Row(
            "documents: CPU of a page ÷ bare WeasyPrint",
            str(cpu),
            f"≤ {MOST_CPU}",
            cpu.median <= MOST_CPU,
            renderings.sides(),
        ),
        Row("documents: CPU with queue and database ÷ bare WeasyPrint", str(whole)),
    ]


def _warm_up(work: Callable[[], Sample], at: Place) -> None:
    """Have the workers start their renderers; say what they said when they do not."""
    try:
        work()
    except TimeoutError:
        sys.stderr.write((at.folder / "workers.log").read_text()[-3000:])
        raise


@contextmanager
def _workers(at: Place, environment: Mapping[str, str]) -> Iterator[list[int]]:
    with (at.folder / "workers.log").open("wb") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "jobs.worker"],
                cwd=ROOT,
                env={**os.environ, **environment},
                stdout=log,
                stderr=log,
            )
            for _ in range(WORKERS)
        ]
    try:
        yield [process.pid for process in processes]
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(PATIENCE_SECONDS)


def _await_documents(environment: Mapping[str, str]) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    with owner_connection(environment) as connection:
        while time.monotonic() < until:
            found = connection.execute("SELECT count(*) FROM outbox WHERE done_at IS NULL").fetchone()
            if found == (0,):
                return
            time.sleep(0.1)  # looking takes CPU from those who work
    raise TimeoutError("the documents are not done")


def _pages(tenant_id: UUID) -> tuple[list[tuple[str, dict[str, tuple[bytes, str]]]], list[str]]:
    """The same invoices: HTML with its pictures, rendered beforehand, and the frozen documents."""
    from portal.invoicing.pdf.renderer import invoice_html, pictures_of  # loads Pango

    with tenancy.bound(tenant_id):
        documents = [snapshot_of(invoice) for invoice in db.session.scalars(select(Invoice))]
    pages = [(invoice_html(document), pictures_of(document)) for document in documents]
    return pages, [json.dumps(document.to_json()) for document in documents]
