"""gunicorn's settings: a few processes with a few threads each; figures are counted over all of them."""

import os
from typing import Any

from gunicorn.errors import HaltServer
from prometheus_client import multiprocess
from sqlalchemy.exc import SQLAlchemyError

from portal.extensions import db
from portal.gateway.account import AccountMismatch, verify_account
from portal.gateway.errors import StripeFailure, StripeMisconfigured

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
control_socket_disable = True  # it would lie in the home folder, one for all portals
preload_app = True  # imported once for all; connections are opened after the fork, by whoever needs them
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 60  # a checkout waits for up to four calls to Stripe of 15 s
graceful_timeout = 20
keepalive = 5
APP_LOAD_ERROR = 4  # gunicorn's own exit code for an app that refuses to start
accesslog = None  # the portal logs its requests itself, as JSON
errorlog = "-"
# Request heads far beyond what a browser sends are refused before the app sees them.
limit_request_line = 4094
limit_request_fields = 60


def when_ready(server: Any) -> None:
    """Refuse to serve on another Stripe account than the data belongs to; Stripe being away refuses nothing."""
    app = server.app.wsgi()
    with app.app_context():
        try:
            verify_account()
        except (AccountMismatch, StripeMisconfigured) as error:
            server.log.critical("%s", error)
            raise HaltServer(str(error), APP_LOAD_ERROR) from error
        except (StripeFailure, SQLAlchemyError) as error:
            server.log.warning("the Stripe account could not be checked: %s", error)
        finally:
            for engine in db.engines.values():
                engine.dispose()  # connections must not be shared with the forked workers


def child_exit(_server: Any, worker: Any) -> None:
    """Fold a dead worker's figures into the totals, so that they neither vanish nor pile up as files."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]
