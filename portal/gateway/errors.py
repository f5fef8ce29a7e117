"""Stripe's failures in our words: what is known of the effect decides what may happen next."""

import stripe

from portal.errors import DomainError, NotFound, Unavailable


class StripeFailure(DomainError):
    """Base of everything that Stripe answers other than success."""

    code = "stripe_failure"
    status = 502
    message = "The payment service did not accept this."
    remedy = "Nothing was charged. Please try again, or write to us if it happens again."


class PaymentServiceUnavailable(Unavailable, StripeFailure):
    """No answer, or "not now": the effect is *unknown*. Ask again with the same key, never with a new one."""

    code = "payment_service_unavailable"
    status = 503
    message = "The payment service does not answer right now."
    remedy = "Your order is kept. Please try again in a minute; you will not be charged twice."


class StripeRefused(StripeFailure):
    """Stripe understood and refused: nothing happened, and the same request will be refused again."""

    code = "stripe_refused"


class CardDeclined(StripeRefused):
    code = "card_declined"
    status = 402
    message = "The card was declined."
    remedy = "Try another card, or ask your bank."


class StripeMissing(StripeRefused, NotFound):
    """The object is not (or no longer) there."""

    code = "stripe_missing"
    status = 404


class StripeMisconfigured(StripeFailure):
    """Our key or our request is wrong: an operator must act, trying again does not help."""

    code = "stripe_misconfigured"
    status = 503
    message = "The payment service is not set up correctly."
    remedy = "We have been told. Please try again later."


class IdempotencyMismatch(StripeMisconfigured):
    """The key was used with other parameters: a bug of ours."""

    code = "stripe_idempotency_mismatch"


def translate(error: stripe.StripeError) -> StripeFailure:
    """The domain error for an SDK error; ``params`` keep Stripe's codes, parameter and request id."""
    params = {
        "stripe_code": error.code,
        "decline_code": _decline_code(error),
        "stripe_param": getattr(error, "param", None),
        "stripe_request_id": error.request_id,
        "detail": error.user_message,
    }
    if isinstance(error, stripe.CardError):
        return CardDeclined(**params)
    if isinstance(error, stripe.IdempotencyError):
        return IdempotencyMismatch(**params)
    if isinstance(error, stripe.AuthenticationError | stripe.PermissionError):
        return StripeMisconfigured(**params)
    if isinstance(error, stripe.RateLimitError | stripe.APIConnectionError) or (error.http_status or 500) >= 500:
        return PaymentServiceUnavailable(**params)
    if error.http_status == 409:  # the same key is being worked on right now
        return PaymentServiceUnavailable(**params)
    if error.code == "resource_missing":
        return StripeMissing(**params)
    return StripeRefused(**params)


def _decline_code(error: stripe.StripeError) -> str | None:
    """What the bank said, where it said anything; the SDK keeps it in the body only."""
    body = error.json_body if isinstance(error.json_body, dict) else {}
    found = (body.get("error") or {}).get("decline_code")
    return str(found) if found else None
