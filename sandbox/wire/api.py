"""One API request from start to answer: door, parameters, idempotency, verb, check, commit."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..contract import API_VERSION, Contract, Operation
from ..contract.coerce import coerce_params
from ..engine import test_clocks
from ..engine.work import Obj, Work
from ..errors import CardRefused, ContractViolation, InvalidRequest, Refusal
from ..store import Store
from . import auth, forms, idempotency, lists
from .errors import Answer, WireError, answer_of, is_kept
from .expand import Expander
from .faults import Dropped, Fault, Faults
from .operations import VERBS
from .request_log import RequestLog

log = logging.getLogger(__name__)
_LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request as far as the API needs it."""

    method: str
    path: str
    query: str
    body: bytes
    headers: Mapping[str, str]


class Api:
    """Answers API requests over one store."""

    def __init__(self, store: Store, contract: Contract) -> None:
        self.faults = Faults()
        self.requests = RequestLog()
        # Set by the world: waits until the webhooks of a request are answered, or so many seconds.
        self.await_webhooks: Callable[[str, float], None] = lambda _request_id, _seconds: None
        self._store = store
        self._contract = contract
        self._running = idempotency.Running()

    def handle(self, request: Request) -> Answer:
        """The answer; Dropped when a fault wants the connection to end without one."""
        with self._store.lock:
            request_id = self._store.ids.new("req")
        entry = {"id": request_id, "method": request.method, "path": request.path, "params": {}, "status": 0}
        began = time.perf_counter()
        try:
            answer = self._answer(request, request_id, entry)
        except (Refusal, WireError) as error:
            answer = answer_of(error, request_id, self._store.public_url)
        except Dropped:
            self._note(entry, began, "dropped")
            raise
        except Exception as error:
            log.exception("the sandbox failed on %s %s", request.method, request.path)
            answer = answer_of(error, request_id, self._store.public_url)
        answer.headers.setdefault("Request-Id", request_id)
        answer.headers.setdefault("Stripe-Version", API_VERSION)
        self._note(entry, began, answer.status)
        return answer

    def _answer(self, request: Request, request_id: str, entry: dict[str, Any]) -> Answer:
        raw = forms.decode(_form_of(request))
        entry["params"] = _shown(raw)
        key = _idempotency_key(request)
        entry["idempotency_key"] = key
        auth.check(request.headers.get("Authorization"))
        _check_version(request.headers.get("Stripe-Version"))
        fault = self.faults.take(request.method, request.path)
        _before(fault)
        operation, ids = self._operation(request)
        params = coerce_params(self._contract, operation.params, raw)
        call = _Call(operation, ids, params, raw, request.path, request_id, key)
        with self._running.hold(key):
            if fault is not None and fault.mode == "delay":
                time.sleep(fault.seconds)
            answer = self._executed(call, fault)
        if key is not None:
            answer.headers["Idempotency-Key"] = key
        if fault is not None and fault.mode == "drop_after_effect":
            raise Dropped
        if fault is not None and fault.mode == "delay_after_effect":
            time.sleep(fault.seconds)
        if fault is not None and fault.mode == "webhook_first":
            self.await_webhooks(request_id, fault.seconds)
        return answer

    def _operation(self, request: Request) -> tuple[Operation, list[str]]:
        found = self._contract.match(request.method, request.path)
        if found is None:
            raise WireError(
                404,
                "invalid_request_error",
                f"Unrecognized request URL ({request.method}: {request.path}).",
            )
        if found[0].id not in VERBS:
            raise WireError(
                404,
                "invalid_request_error",
                f"The sandbox does not model {request.method} {found[0].path} yet.",
                code="sandbox_not_modelled",
            )
        return found

    def _executed(self, call: "_Call", fault: Fault | None) -> Answer:
        with self._store.transaction(call.request_id, call.key) as work:
            if call.key is not None:
                replayed = idempotency.stored_answer(work, call.key, call.path, call.raw)
                if replayed is not None:
                    return replayed
            if fault is not None and fault.mode == "500_stored":
                answer = answer_of(_broken(), call.request_id, work.public_url)
            else:
                answer = self._performed(work, call)
                if work.dry:
                    work.undo()
            if call.key is not None:
                idempotency.keep(work, call.key, call.path, call.raw, answer)
        return answer

    def _performed(self, work: Work, call: "_Call") -> Answer:
        try:
            return Answer(200, self._checked(work, call))
        except CardRefused as error:
            if not error.keeps_changes:
                work.undo()
            return answer_of(error, call.request_id, work.public_url)
        except Refusal as error:
            if not is_kept(error):
                raise
            work.undo()
            return answer_of(error, call.request_id, work.public_url)

    def _checked(self, work: Work, call: "_Call") -> Obj:
        """Runs the verb, expands, and holds the answer and its events against the contract."""
        operation = call.operation
        test_clocks.enter(work, call.params, call.ids, writes=operation.method != "GET")
        result = VERBS[operation.id](work, call.params, *call.ids)
        expander = Expander(self._contract, work)
        paths = call.params.get("expand", [])
        if operation.kind in ("list", "search"):
            paginate = lists.page if operation.kind == "list" else lists.search_page
            body = paginate(result, call.params, call.path, self._contract.kind_of(operation.response))
            if operation.kind == "search":
                paths = [path for path in paths if path != "total_count"]
            inside = [path.removeprefix("data.") for path in paths]
            if inside and len(inside) != sum(path.startswith("data.") for path in paths):
                raise InvalidRequest("Paths of `expand` on lists start with `data.`.", param="expand")
            body["data"] = [expander.expand(operation.response, item, inside) for item in body["data"]]
            checked = body["data"]
        elif operation.kind == "v2list":
            body = lists.v2_page(result, call.params, call.path)
            checked = body["data"]
        else:
            body = expander.expand(operation.response, result, paths)
            checked = [body]
        for item in checked:
            wrong = self._contract.check_object(operation.response, item)
            if wrong is not None:
                raise ContractViolation(f"{operation.id} answers against the contract: {wrong}")
        return body

    def _note(self, entry: dict[str, Any], began: float, status: int | str) -> None:
        entry["status"] = status
        entry["milliseconds"] = round((time.perf_counter() - began) * 1000, 1)
        self.requests.add(entry)


@dataclass(frozen=True, slots=True)
class _Call:
    operation: Operation
    ids: list[str]
    params: Obj
    raw: dict[str, Any]
    path: str
    request_id: str
    key: str | None


def _form_of(request: Request) -> str:
    # DELETE carries its parameters in the query, as GET does; the SDK sends them so.
    if request.method != "POST":
        return request.query
    kind = request.headers.get("Content-Type", "")
    if request.body and not kind.startswith("application/x-www-form-urlencoded"):
        raise InvalidRequest(
            f"Invalid request (check that your POST content type is application/x-www-form-urlencoded): {kind}"
        )
    try:
        return request.body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest("The request body is not valid UTF-8.") from error


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or request.method != "POST":
        return None
    if not key or len(key) > _LONGEST_KEY:
        raise InvalidRequest(f"An Idempotency-Key has 1 to {_LONGEST_KEY} characters.")
    return key


def _check_version(given: str | None) -> None:
    if given not in (None, API_VERSION):
        raise WireError(
            400,
            "invalid_request_error",
            f"The sandbox speaks API version {API_VERSION} only; the request asks for {given}.",
        )


def _before(fault: Fault | None) -> None:
    if fault is None:
        return
    if fault.mode == "429":
        raise WireError(
            429,
            "invalid_request_error",
            "Request rate limit exceeded. You can learn more about rate limits here "
            "https://stripe.com/docs/rate-limits.",
            code="rate_limit",
        )
    if fault.mode.isdigit():
        raise _broken(int(fault.mode))
    if fault.mode == "timeout":
        raise Dropped(fault.seconds)
    if fault.mode == "connection_reset":
        raise Dropped


def _broken(status: int = 500) -> WireError:
    return WireError(
        status,
        "api_error",
        "Sorry! There was an error while talking to one of our backends. (A fault that a test asked for.)",
    )


def _shown(raw: Any) -> Any:
    """Parameters for the request log, card numbers cut to their last four digits."""
    if not isinstance(raw, dict):
        return raw
    return {key: _hidden(key, value) for key, value in raw.items()}


def _hidden(key: str, value: Any) -> Any:
    if isinstance(value, str) and key in ("number", "cvc"):
        return f"…{value[-4:]}" if key == "number" else "…"
    return _shown(value)
