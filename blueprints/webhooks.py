"""Stripe's deliveries: verified, stored, answered. All else happens in the background."""

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue

from portal import failpoints
from portal.gateway import inbox
from portal.gateway.inbox import BadDelivery, TooLarge
from portal.security.guards import machine

bp = Blueprint("webhooks", __name__)


@bp.post("/api/v1/webhooks/stripe")
@bp.post("/webhooks/stripe", endpoint="stripe_short")
@machine("signed by Stripe")
def stripe() -> ResponseReturnValue:
    """Store one delivery. 2xx only after the commit: anything else makes Stripe send it again."""
    settings = current_app.extensions["settings"]
    try:
        if (request.content_length or 0) > inbox.MAX_BODY_BYTES:
            raise TooLarge
        event_id = inbox.receive(
            request.get_data(cache=False),
            request.headers.get("Stripe-Signature", ""),
            secrets=settings.webhook_secrets(),
            livemode="_live_" in settings.stripe_api_key,
        )
    except BadDelivery as error:
        return {"error": error.code}, error.status
    failpoints.reach("webhook.answer")
    return {"received": event_id}
