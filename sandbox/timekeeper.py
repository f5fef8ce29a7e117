"""The threads that let time pass: the ticker of the global clock, and test clocks that were told to advance."""

import logging
import threading

from .engine import agenda, agenda_handlers, test_clock_changes, test_clocks
from .journal import Change
from .store import META, Store
from .wire import idempotency

log = logging.getLogger(__name__)
_TICK = 1.0


class Timekeeper:
    """Does what became due. `notice` is an after-commit hook of the store."""

    def __init__(self, store: Store) -> None:
        agenda_handlers.register_all()
        self._store = store
        self._stopped = threading.Event()
        self._advancing = threading.Event()

    def start(self) -> None:
        """Starts both threads; a test clock that an earlier run left advancing goes on."""
        self._advancing.set()
        threading.Thread(target=self._tick, name="ticker", daemon=True).start()
        threading.Thread(target=self._advance_test_clocks, name="test-clocks", daemon=True).start()

    def stop(self) -> None:
        """Lets the threads end."""
        self._stopped.set()
        self._advancing.set()

    def notice(self, changes: list[Change]) -> None:
        """Learns of test clocks that shall advance."""
        if any(kind == test_clocks.KIND and body and body["status"] == "advancing" for kind, _, body in changes):
            self._advancing.set()

    def advance(self, seconds: int) -> int:
        """Moves the global clock forward and does what became due; the new time (UTC seconds).

        ValueError for a negative step; RuntimeError when an entry of the agenda broke, after all else was done.
        """
        with self._store.lock:
            self._store.clock.advance(seconds)
            with self._store.transaction() as work:
                # A change of its own, so that the moved clock is stored even when nothing became due.
                work.add(META, {"id": "advanced", "to": work.now})
            failure = self._run_due()
        if failure is not None:
            raise RuntimeError(f"the agenda failed: {type(failure).__name__}: {failure}") from failure
        return self._store.clock.now()

    def _tick(self) -> None:
        while not self._stopped.wait(_TICK):
            try:
                self._run_due()
                with self._store.transaction() as work:
                    idempotency.forget_old(work)
            except Exception:
                log.exception("the ticker failed; it goes on")

    def _run_due(self) -> Exception | None:
        """Everything at once; when that fails, one by one, so that one broken entry does not stop the others."""
        try:
            with self._store.transaction() as work:
                agenda.run(work, None, work.global_now)
        except Exception as error:
            log.exception("the agenda failed; it goes on entry by entry")
            self._run_one_by_one()
            return error
        return None

    def _run_one_by_one(self) -> None:
        with self._store.lock:
            until = self._store.clock.now()
            while True:
                with self._store.transaction() as work:
                    entry = agenda.next_due(work, None, until)
                if entry is None:
                    return
                try:
                    with self._store.transaction() as work:
                        agenda.run(work, None, until, most=1)
                except Exception:
                    log.exception("%s failed and is set aside", entry["id"])
                    with self._store.transaction() as work:
                        agenda.set_aside(work, entry["id"])

    def _advance_test_clocks(self) -> None:
        while not self._stopped.is_set():
            self._advancing.wait()
            self._advancing.clear()
            try:
                with self._store.transaction() as work:
                    waiting = [clock["id"] for clock in work.all(test_clocks.KIND) if clock["status"] == "advancing"]
                for clock_id in reversed(waiting):
                    self._complete(clock_id)
            except Exception:
                log.exception("test clocks could not be advanced; the next advance tries again")

    def _complete(self, clock_id: str) -> None:
        with self._store.lock:
            try:
                with self._store.transaction() as work:
                    if work.find(test_clocks.KIND, clock_id) is not None:
                        test_clock_changes.complete(work, clock_id)
            except Exception:
                log.exception("test clock %s could not be advanced", clock_id)
                with self._store.transaction() as work:
                    test_clock_changes.fail(work, clock_id)
