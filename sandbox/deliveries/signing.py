"""The `Stripe-Signature` header: HMAC-SHA256 of `t.body`, hex, scheme v1."""

import hashlib
import hmac


def signature_header(body: bytes, secrets: list[str], timestamp: int) -> str:
    """The header for a body; one v1 for each secret (two while a rolled secret lives on)."""
    signed = str(timestamp).encode() + b"." + body
    parts = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={part}" for part in parts)])
