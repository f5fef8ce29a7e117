"""The threads that send webhooks: one delivery at a time for each endpoint, retries on real time.

A delivery is marked only after the receiver answered, so a killed sandbox sends it again: at least
once, as Stripe. Anything but 2xx is a failure, redirects too; the delays are 1, 2, 4, ... 60 seconds,
given up after three days.
"""

import json
import logging
import threading
import time
from collections.abc import Iterable

from ..contract import API_VERSION
from ..engine import signing_secrets
from ..engine.work import Obj
from ..journal import Change
from ..store import Store
from ..wirelog import Entry, WireLog
from . import plan, tricks
from .payloads import payload
from .plan import KIND
from .post import Outcome, post
from .signing import signature_header

log = logging.getLogger(__name__)
_LONGEST_DELAY = 60.0
_GIVE_UP_AFTER = 3 * 86400
_THREADS = 4


class Dispatcher:
    """Sends what is pending. `notice` is the store's after-commit hook."""

    def __init__(self, store: Store, wire: WireLog) -> None:
        self._store = store
        self._wire = wire
        self._wake = threading.Condition()
        self._open: dict[str, Obj] = {}
        self._busy: set[str] = set()
        self._stopping = False
        # Grows whenever the state is replaced: what was under way then belongs to a past that never was.
        self._life = 0

    def start(self) -> None:
        """Takes up what an earlier run left behind, and starts the threads."""
        self.start_over()
        for number in range(_THREADS):
            threading.Thread(target=self._work, name=f"deliveries-{number}", daemon=True).start()

    def start_over(self) -> None:
        """Forgets what it knew and takes up what the store holds now."""
        with self._store.lock:
            with self._wake:
                self._open.clear()
                self._life += 1
            self.notice(list(self._store.everything()))

    def stop(self) -> None:
        """Lets the threads end; a delivery that is under way ends by itself."""
        with self._wake:
            self._stopping = True
            self._wake.notify_all()

    def notice(self, changes: list[Change]) -> None:
        """Learns of new, changed and removed deliveries."""
        with self._wake:
            for kind, delivery_id, body in changes:
                if kind != KIND:
                    continue
                if body is not None and body["status"] == "pending":
                    self._open[delivery_id] = body
                else:
                    self._open.pop(delivery_id, None)
            self._wake.notify_all()

    def wait(self, delivery_ids: Iterable[str], seconds: float) -> None:
        """Returns when each of these was tried once or is not pending any more, or after so many seconds."""
        waiting = list(delivery_ids)
        deadline = time.monotonic() + seconds
        with self._wake:
            while not self._stopping and any(self._is_untried(delivery_id) for delivery_id in waiting):
                left = deadline - time.monotonic()
                if left <= 0 or not self._wake.wait(left):
                    return

    def _is_untried(self, delivery_id: str) -> bool:
        found = self._open.get(delivery_id)
        return found is not None and found["attempts"] == 0

    def _work(self) -> None:
        while (claimed := self._claim()) is not None:
            delivery, life = claimed
            try:
                self._deliver(delivery, life)
            except Exception:
                log.exception("the delivery %s failed; it will be tried again", delivery["id"])
                time.sleep(1)
            finally:
                with self._wake:
                    self._busy.discard(delivery["endpoint"])
                    self._wake.notify_all()

    def _claim(self) -> tuple[Obj, int] | None:
        """The next due delivery of an endpoint that is not being served; None when stopping."""
        with self._wake:
            while not self._stopping:
                now = time.time()
                free = [item for item in self._open.values() if item["endpoint"] not in self._busy]
                due = min(free, key=lambda item: float(item["next_at"]), default=None)
                if due is not None and due["next_at"] <= now:
                    self._busy.add(due["endpoint"])
                    return due, self._life
                self._wake.wait(timeout=None if due is None else due["next_at"] - now)
        return None

    def _deliver(self, delivery: Obj, life: int) -> None:
        with self._store.transaction() as work:
            event = work.find("event", delivery["event"])
            endpoint = work.find("webhook_endpoint", delivery["endpoint"])
            secrets = signing_secrets.live(work.find(signing_secrets.KIND, delivery["endpoint"]), work.now)
            age = tricks.settings(work)["signature_age"]
            told = None
            if event is not None and endpoint is not None and secrets and endpoint["status"] == "enabled":
                told = payload(work, event, delivery["api_version"] or endpoint["api_version"] or API_VERSION)
        if told is None or endpoint is None:
            self._record(delivery, life, "canceled", Outcome(None, "the event or the endpoint is gone or disabled"))
            return
        body = json.dumps(told, indent=2).encode()
        outcome = post(endpoint["url"], body, signature_header(body, secrets, int(time.time()) - age))
        self._wire.add(_entry(delivery, endpoint["url"], outcome))
        self._record(delivery, life, "delivered" if outcome.is_success else "pending", outcome)

    def _record(self, delivery: Obj, life: int, status: str, outcome: Outcome) -> None:
        with self._store.transaction() as work:
            if life != self._life or work.find(KIND, delivery["id"]) is None:
                return
            saved = work.edit(KIND, delivery["id"])
            saved["attempts"] += 1
            delay = min(2.0 ** (saved["attempts"] - 1), _LONGEST_DELAY)
            if status == "pending" and time.time() - saved["created_at"] > _GIVE_UP_AFTER:
                status = "failed"
            saved.update(
                status=status,
                last_status=outcome.status,
                last_error=outcome.error,
                next_at=time.time() + delay,
            )
            if status in ("delivered", "canceled"):
                plan.settle(work, saved)


def _entry(delivery: Obj, url: str, outcome: Outcome) -> Entry:
    told = {name: delivery.get(name) for name in ("event", "type", "endpoint", "request")}
    return Entry(
        "delivery",
        "POST",
        url,
        outcome.sent,
        outcome.answered,
        outcome.status,
        outcome.seconds,
        outcome.error,
        {"delivery": delivery["id"], "attempt": delivery["attempts"] + 1, **told},
    )
