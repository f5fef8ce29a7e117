"""Who may call: any `sk_test_` key, and any `rk_test_` key (restricted ones may do everything here). A live key is
refused in words, before anything is read.
"""

import base64
import binascii

from .errors import WireError

_TAKEN = ("sk_test_", "rk_test_")


def check(authorization: str | None) -> None:
    """Passes for `Bearer sk_test_...` (or rk_test_) or Basic with it as user name; else WireError 401."""
    key = _key(authorization)
    if key is None:
        raise WireError(
            401,
            "invalid_request_error",
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    if key.startswith(("sk_live_", "rk_live_")):
        raise WireError(
            401,
            "invalid_request_error",
            "This is a sandbox and you sent a LIVE key. It was not used or stored. Take a key that starts "
            "with sk_test_, and roll the live key if you did not mean to send it here.",
            code="livemode_mismatch",
        )
    if not key.startswith(_TAKEN) or key in _TAKEN:
        raise WireError(401, "invalid_request_error", f"Invalid API Key provided: {_masked(key)}")


def _key(authorization: str | None) -> str | None:
    scheme, _, given = (authorization or "").partition(" ")
    given = given.strip()
    if scheme.lower() == "bearer":
        return given or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(given, validate=True).decode().partition(":")[0] or None
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None


def _masked(key: str) -> str:
    return key[:7] + "*" * max(len(key) - 11, 4) + key[-4:] if len(key) > 11 else "*" * len(key)
