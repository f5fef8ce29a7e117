"""What is looked at before anything is started, so that a fault is one sentence and not a half-made start."""

import errno
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from portal.embedded import ports
from portal.embedded.refusals import Refusal

_NEEDED_MEGABYTES = 200
_MEGABYTE = 1024 * 1024


def check_folder(var: Path) -> None:
    """Raises Refusal when the data folder cannot be written to, or the disk has no room."""
    var.mkdir(parents=True, exist_ok=True)
    if not os.access(var, os.W_OK | os.X_OK):
        raise Refusal(f"The folder {var} cannot be written to: use its owner's account or a copy of your own.")
    free = shutil.disk_usage(var).free // _MEGABYTE
    if free < _NEEDED_MEGABYTES:
        raise Refusal(f"The disk is full: {var} needs {_NEEDED_MEGABYTES} MB and has {free} MB; free some space first.")


def check_port(host: str, port: int) -> None:
    """Raises Refusal when the portal could not listen there."""
    try:
        if ports.is_free(port, host):
            return
    except OSError as error:
        if error.errno == errno.EACCES:
            raise Refusal(f"Port {port} needs special rights; choose another: ./run --port 8000") from None
        raise Refusal(f"The portal cannot listen at {host}: {error.strerror}.") from None
    other = port + 1000 if port < 60_000 else 9000
    raise Refusal(f"Port {port} is taken by another program; choose another: ./run --port {other}")


def check_stripe(given: Mapping[str, str]) -> None:
    """Raises Refusal for an account of the user's without the secret that its events are signed with."""
    if "STRIPE_API_KEY" in given and "STRIPE_WEBHOOK_SECRET" not in given:
        raise Refusal(
            "STRIPE_API_KEY is set and STRIPE_WEBHOOK_SECRET is not: take it from the Stripe dashboard "
            "or from `stripe listen --print-secret`, or unset both to use the sandbox."
        )
