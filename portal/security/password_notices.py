"""Owing a user the mail that says that the password was changed; the notices know how to write it."""

from uuid import UUID

from portal import clock
from portal.ids import uuid7
from portal.outbox import stage


def tell_of_new_password(user_id: UUID, *, language: str) -> None:
    """Stage the mail in the current transaction.

    A person may belong to several tenants or to none, so this is work of its own and no tenant's notice.
    """
    stage(
        "mail.password_changed",
        f"mail.password_changed:{uuid7()}",
        payload={"user_id": str(user_id), "language": language, "changed_at": clock.now().isoformat()},
    )
