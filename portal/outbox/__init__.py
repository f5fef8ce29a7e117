"""Work that we owe: staged with the business rows, claimed under a lease, done once (design §4, §5.3).

The outbox knows no verb. Modules of ``jobs`` register a handler per kind of work; RQ on Redis only wakes a
worker, so that Redis may lose everything and nothing is lost.
"""

from flask import Flask

from portal.outbox import wake
from portal.outbox.leases import LeaseLost, finish, release
from portal.outbox.registry import handler, periodic
from portal.outbox.staging import stage, stage_leased
from portal.outbox.work import Retry, Work

__all__ = [
    "LeaseLost",
    "Retry",
    "Work",
    "finish",
    "handler",
    "init_outbox",
    "periodic",
    "release",
    "stage",
    "stage_leased",
]


def init_outbox(app: Flask) -> None:
    """Connect the wake-up bell; the outbox itself needs only the database."""
    wake.init_wake(app)
