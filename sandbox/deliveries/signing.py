"""The `Stripe-Signature` header: HMAC-SHA256 of `t.body`, hex, scheme v1; and the v0 that test events carry."""

import hashlib
import hmac

# Stripe signs test events with a second, worthless scheme, so that receivers learn to skip what they do not know.
_WORTHLESS = b"v0"


def signature_header(body: bytes, secrets: list[str], timestamp: int) -> str:
    """The header for a body; one v1 for each secret (two while a rolled secret lives on)."""
    signed = str(timestamp).encode() + b"." + body
    parts = [f"v1={_signature(secret.encode(), signed)}" for secret in secrets]
    return ",".join([f"t={timestamp}", *parts, f"v0={_signature(_WORTHLESS, signed)}"])


def _signature(key: bytes, signed: bytes) -> str:
    return hmac.new(key, signed, hashlib.sha256).hexdigest()
