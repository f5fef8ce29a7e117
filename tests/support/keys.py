"""API keys for tests: made without a form, and nobody is told."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from portal.extensions import db
from portal.security import api_keys


def made(scopes: Sequence[str] = api_keys.SCOPES, *, actor: UUID | None = None, **options: Any) -> str:
    """The token of a new key of the bound tenant, committed."""
    token = api_keys.new_token(livemode=False)
    api_keys.add("ci", scopes, token, actor=actor, **options)
    db.session.commit()
    return token
