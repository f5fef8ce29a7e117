"""The app as worker and ticker see it: the worker's database role, and only on the right Stripe account."""

import logging
import sys

from apiflask import APIFlask

import jobs  # noqa: F401  (registers handlers and periodic tasks)
from portal.app import create_app
from portal.config import ConfigError
from portal.gateway.account import AccountMismatch, verify_account
from portal.gateway.errors import StripeFailure, StripeMisconfigured

log = logging.getLogger("portal.startup")


def create_worker_app() -> APIFlask:
    """The app on the worker role. Ends the process with one sentence when settings or account are wrong."""
    try:
        app = create_app("worker")
        with app.app_context():
            verify_account()
    except (ConfigError, AccountMismatch) as error:
        sys.exit(str(error))
    except StripeMisconfigured as error:
        sys.exit(f"STRIPE_API_KEY was refused by Stripe ({error.params.get('detail')}); check the key.")
    except StripeFailure as error:
        # Stripe being away must not keep mail and documents from being sent.
        log.warning("the Stripe account could not be checked: %s", error)
    return app
