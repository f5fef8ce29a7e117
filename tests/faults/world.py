"""Where journeys happen: a database, a sandbox and the portal's two apps, for many journeys one after the other."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from apiflask import APIFlask

from blueprints import PAGES
from portal import config
from portal.app import create_app
from portal.invoicing.pdf import PdfProcess
from portal.invoicing.pdf.pool import _Child
from tests.support import database, people, sandbox
from tests.support.sandbox import Sandbox


class InheritedRenderer(PdfProcess):
    """Every fork speaks to the renderer of this process: starting one costs more than all else that it does.

    The points lie around a conversation and never within one, so that no fork dies in the middle of it.
    """

    def forget_after_fork(self) -> None:
        self._lock = threading.Lock()

    def _ready_child(self) -> _Child:
        return self._child or super()._ready_child()


@dataclass(frozen=True)
class World:
    """The apps hold no connection in this process: whoever acts is a fork of it."""

    web: APIFlask
    worker: APIFlask
    sandbox: Sandbox
    settings: config.Settings

    def rows(self, statement: str, **values: Any) -> list[dict[str, Any]]:
        """What the database's owner sees."""
        return database.as_owner(self.settings, statement, **values)

    def forget(self) -> None:
        """What an earlier journey left: findings, counted sign-ins, dead and parked work, Stripe's failures."""
        self.sandbox.forget("fail")
        database.as_owner(
            self.settings,
            "DELETE FROM drift_findings",
            "DELETE FROM login_attempts",
            "DELETE FROM outbox WHERE dead_at IS NOT NULL",
            "UPDATE stripe_objects SET parked_at = NULL, seen = wanted WHERE parked_at IS NOT NULL",
        )

    def let_time_pass(self) -> None:
        """All that waits for later is due, and the leases of the dead are over."""
        database.let_time_pass(self.settings)
        database.expire_leases(self.settings)

    def open_rows(self) -> list[dict[str, Any]]:
        """What is owed, for the message of a failure."""
        return self.rows(
            "SELECT key, attempts, last_error FROM outbox WHERE done_at IS NULL AND dead_at IS NULL"
            " UNION ALL SELECT id, attempts, last_error FROM stripe_objects WHERE seen < wanted AND parked_at IS NULL"
        )

    def open_work(self) -> int:
        """How many rows wait to be done and how many objects to be read."""
        return database.open_work(self.settings, periodic=True)


@contextmanager
def made(template: str) -> Iterator[World]:
    """A world on a clone of ``template``, with published plans."""
    with sandbox.running() as box, database.cloned(template) as name:
        settings = config.load(database.environment(name, SMTP_STARTTLS="off", **box.environment()))
        database.publish(settings)
        web = people.prepare(create_app("web", settings=settings, blueprints=PAGES))
        worker = create_app("worker", settings=settings)
        renderer = worker.extensions["pdf_process"] = InheritedRenderer()
        renderer.start()
        yield World(web, worker, box, settings)  # type: ignore[arg-type]
        renderer.close()
