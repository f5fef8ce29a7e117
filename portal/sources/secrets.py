"""Keys of sources at rest: encrypted in the database, in clear only while somebody speaks to the source."""

import base64
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import current_app

from portal.config import Settings
from portal.sources.errors import KeyRefused

_PURPOSE = b"usage-sources"


def encrypted(secret: str) -> str:
    """The secret as it is kept."""
    return _box().encrypt(secret.encode()).decode()


def decrypted(kept: str) -> str:
    """The secret in clear. Raises :class:`KeyRefused` for one that another SOURCES_KEY has encrypted."""
    try:
        return _box().decrypt(kept.encode()).decode()
    except InvalidToken as error:
        raise KeyRefused from error


def _box() -> MultiFernet:
    """The newest key encrypts, all of them decrypt. Without SOURCES_KEY one is derived from SECRET_KEY."""
    settings: Settings = current_app.extensions["settings"]
    given = [part.strip() for part in settings.sources_key.split(",") if part.strip()] or [settings.secret_key]
    derived = (hmac.new(part.encode(), _PURPOSE, hashlib.sha256).digest() for part in given)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in derived])
