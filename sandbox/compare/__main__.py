"""`python -m sandbox.compare`: needs a Stripe test key in STRIPE_TEST_KEY, and changes that test account."""

import argparse
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import stripe

from ..contract import API_VERSION
from .calls import CALLS, Known
from .fields import Difference, differences

KEY_VARIABLE = "STRIPE_TEST_KEY"
NOT_RUN = 2
_DUMMY_KEY = "sk_test_sandbox"
_DAY = 86_400


def main() -> int:
    """0: no difference; 1: differences; 2: not run."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.compare", description=__doc__)
    parser.add_argument("--against", metavar="URL", help="another sandbox instead of Stripe: what differs is chance")
    arguments = parser.parse_args()
    # A real key goes to Stripe and to nobody else.
    key = _DUMMY_KEY if arguments.against else os.environ.get(KEY_VARIABLE, "")
    if not key.startswith(("sk_test_", "rk_test_")):
        said = "not a test key" if key else "not set"
        sys.stderr.write(f"not run: {KEY_VARIABLE} is {said}; nothing was compared with Stripe\n")
        return NOT_RUN
    with _sandbox() as url:
        found = compare(_client(key, arguments.against), _client(_DUMMY_KEY, url))
    _tell(found)
    return 1 if any(found.values()) else 0


def compare(one: stripe.StripeClient, other: stripe.StripeClient) -> dict[str, list[Difference]]:
    """Do every call on both sides; the differences of each call by its name.

    What needs the answer to a call that failed cannot be asked, and is a difference.
    """
    start = {"began": int(time.time()) // _DAY * _DAY, "run": secrets.token_hex(4)}
    sides: list[tuple[stripe.StripeClient, Known]] = [(one, dict(start)), (other, dict(start))]
    return {name: list(_compared(name, sides)) for name in CALLS}


def _compared(name: str, sides: list[tuple[stripe.StripeClient, Known]]) -> Iterator[Difference]:
    answers = []
    for client, known in sides:
        try:
            answers.append(_answer(client, known, name))
        except (LookupError, TypeError) as error:
            yield Difference("", "unasked", repr(error), repr(error))
            return
    yield from differences(*answers)


def _answer(client: stripe.StripeClient, known: Known, name: str) -> Any:
    try:
        answer = CALLS[name](client, known)
    except stripe.StripeError as error:
        return {"status": error.http_status, "error": _shown(error)}
    known[name] = answer.to_dict() if isinstance(answer, stripe.StripeObject) else answer
    return known[name]


def _shown(error: stripe.StripeError) -> Any:
    body: Any = error.json_body or {}
    return body.get("error", str(error))


def _client(key: str, url: str | None) -> stripe.StripeClient:
    bases: Any = {"api": url} if url else {}
    return stripe.StripeClient(key, stripe_version=API_VERSION, base_addresses=bases, max_network_retries=2)


@contextmanager
def _sandbox() -> Iterator[str]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--smtp-port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield str(json.loads(cast(IO[str], process.stdout).readline())["url"])
        finally:
            process.terminate()


def _tell(found: dict[str, list[Difference]]) -> None:
    for name, differing in found.items():
        sys.stdout.write(f"{'ok' if not differing else len(differing):>4}  {name}\n")
        for difference in differing:
            sys.stdout.write(f"        {difference}\n")
    total = sum(map(len, found.values()))
    sys.stdout.write(f"{len(found)} calls, {sum(not each for each in found.values())} alike, {total} differences\n")


if __name__ == "__main__":
    sys.exit(main())
