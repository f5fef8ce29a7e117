"""The threads that send webhooks: one delivery at a time for each endpoint, retries on real time.

A delivery is marked only after the receiver answered, so a killed sandbox sends it again: at least
once, as Stripe. Anything but 2xx is a failure, redirects too; the delays are 1, 2, 4, ... 60 seconds,
given up after three days.
"""

import http.client
import json
import logging
import threading
import time
from urllib.parse import urlsplit

from ..contract import API_VERSION
from ..engine.webhook_endpoints import SECRET
from ..engine.work import Obj
from ..journal import Change
from ..store import Store
from .plan import KIND
from .signing import signature_header

log = logging.getLogger(__name__)
_TIMEOUT = 10.0
_LONGEST_DELAY = 60.0
_GIVE_UP_AFTER = 3 * 86400
_THREADS = 4


class Dispatcher:
    """Sends what is pending. `notice` is the store's after-commit hook."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wake = threading.Condition()
        self._open: dict[str, Obj] = {}
        self._busy: set[str] = set()
        self._stopping = False

    def start(self) -> None:
        """Takes up what an earlier run left behind, and starts the threads."""
        with self._store.lock:
            left = [(KIND, key, body) for key, body in self._store.objects.get(KIND, {}).items()]
        self.notice(list(left))
        for number in range(_THREADS):
            threading.Thread(target=self._work, name=f"deliveries-{number}", daemon=True).start()

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

    def forget(self) -> None:
        """Drops everything, after the store was cleared."""
        with self._wake:
            self._open.clear()

    def _work(self) -> None:
        while (delivery := self._claim()) is not None:
            try:
                self._deliver(delivery)
            except Exception:
                log.exception("delivery %s could not be handled", delivery["id"])
                with self._wake:
                    self._open.pop(delivery["id"], None)
            finally:
                with self._wake:
                    self._busy.discard(delivery["endpoint"])
                    self._wake.notify_all()

    def _claim(self) -> Obj | None:
        """The next due delivery of an endpoint that is not being served; None when stopping."""
        with self._wake:
            while not self._stopping:
                now = time.time()
                free = [item for item in self._open.values() if item["endpoint"] not in self._busy]
                due = min(free, key=lambda item: float(item["next_at"]), default=None)
                if due is not None and due["next_at"] <= now:
                    self._busy.add(due["endpoint"])
                    return due
                self._wake.wait(timeout=None if due is None else due["next_at"] - now)
        return None

    def _deliver(self, delivery: Obj) -> None:
        with self._store.lock:
            objects = self._store.objects
            event = objects.get("event", {}).get(delivery["event"])
            endpoint = objects.get("webhook_endpoint", {}).get(delivery["endpoint"])
            secret = objects.get(SECRET, {}).get(delivery["endpoint"])
        if event is None or endpoint is None or secret is None or endpoint["status"] != "enabled":
            self._record(delivery, "dropped", None, "the endpoint is gone or disabled")
            return
        version = delivery["api_version"] or endpoint["api_version"] or API_VERSION
        body = json.dumps({**event, "api_version": version}, indent=2).encode()
        status, error = _post(endpoint["url"], body, secret["secret"])
        delivered = status is not None and 200 <= status < 300
        self._record(delivery, "delivered" if delivered else "pending", status, error)

    def _record(self, delivery: Obj, outcome: str, status: int | None, error: str | None) -> None:
        with self._store.transaction() as work:
            if work.find(KIND, delivery["id"]) is None:
                return
            saved = work.edit(KIND, delivery["id"])
            saved["attempts"] += 1
            delay = min(2.0 ** (saved["attempts"] - 1), _LONGEST_DELAY)
            if outcome == "pending" and time.time() - saved["created_at"] > _GIVE_UP_AFTER:
                outcome = "failed"
            saved.update(status=outcome, last_status=status, last_error=error, next_at=time.time() + delay)
            event = work.find("event", delivery["event"])
            if outcome != "pending" and event is not None and event["pending_webhooks"] > 0:
                work.edit("event", delivery["event"])["pending_webhooks"] -= 1


def _post(url: str, body: bytes, secret: str) -> tuple[int | None, str | None]:
    """One try: the status of the answer, or None and what went wrong."""
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    connect = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        "Stripe-Signature": signature_header(body, [secret], int(time.time())),
    }
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, body, headers)
        response = connection.getresponse()
        response.read()
    except (OSError, http.client.HTTPException) as error:
        return None, f"{type(error).__name__}: {error}"
    else:
        return response.status, None if 200 <= response.status < 300 else f"HTTP {response.status}"
    finally:
        connection.close()
