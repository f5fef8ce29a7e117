"""What sign-in leaves behind, cleared away; on the worker's role."""

from sqlalchemy import text

from portal import tenancy
from portal.extensions import db

# Attempts count for an hour at most; a day leaves staff something to look at.
_SWEEPS = (
    "DELETE FROM login_attempts WHERE created_at < now() - interval '1 day'",
    "DELETE FROM user_sessions WHERE expires_at < now() - interval '30 days'",
    "DELETE FROM password_resets WHERE expires_at < now() - interval '30 days'",
)


def sweep() -> int:
    """Delete old login attempts and what has been over for a month; returns how many rows. Commits."""
    with tenancy.bound():
        deleted = sum(db.session.connection().execute(text(sql)).rowcount for sql in _SWEEPS)
        db.session.commit()
    return deleted
