"""Users, their memberships and the platform's staff: how they come to be."""

from uuid import UUID

from flask import current_app
from sqlalchemy import create_engine, insert, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import NullPool

from portal import tenancy
from portal.config import LANGUAGES
from portal.errors import Conflict, Invalid, NotFound
from portal.extensions import db
from portal.ids import uuid7
from portal.models import EmailAddress, Membership, User
from portal.models.users import MEMBER_ROLES, STAFF_ROLES
from portal.security import audit, passwords, sessions

_EMAIL_LENGTH = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets


class EmailTaken(Conflict):
    """Another user has this address."""

    code = "email_taken"
    message = "This e-mail address is already in use."


class UnknownRole(Invalid):
    code = "unknown_role"
    message = "This role does not exist."


def create_user(
    email: str,
    name: str,
    password: str,
    *,
    language: str = "en",
    format_locale: str = "en_US",
    timezone: str = "UTC",
) -> UUID:
    """Create a user and return its id. Commits.

    Raises :class:`EmailTaken`, Invalid for what is not an address, and WeakPassword.
    """
    email = normal_email(email)
    if language not in LANGUAGES:
        raise Invalid
    passwords.check_new_password(password, email=email)
    user_id, password_hash = uuid7(), passwords.hash_password(password)
    values = {"name": name.strip(), "language": language, "format_locale": format_locale, "timezone": timezone}
    with tenancy.bound(tenancy.PLATFORM, user_id=user_id):
        try:
            db.session.execute(insert(EmailAddress).values(email=email, user_id=user_id))
            db.session.execute(insert(User).values(id=user_id, email=email, password_hash=password_hash, **values))
            audit.record("user.created", "user", user_id)
            db.session.commit()
        except IntegrityError as error:
            raise EmailTaken from error
    return user_id


def add_member(tenant_id: UUID, user_id: UUID, role: str) -> None:
    """Make a user a member of a tenant. Commits. Raises :class:`UnknownRole`, Conflict, NotFound."""
    if role not in MEMBER_ROLES:
        raise UnknownRole
    with tenancy.bound(tenant_id, user_id=user_id):
        try:
            db.session.execute(insert(Membership).values(tenant_id=tenant_id, user_id=user_id, role=role))
            audit.record("member.added", "user", user_id, after={"role": role})
            db.session.commit()
        except IntegrityError as error:
            raise (Conflict if "memberships_pkey" in str(error) else NotFound) from error


def grant_staff_role(user_id: UUID, role: str) -> None:
    """Make a user staff, or change the staff role; the user's sessions end. Commits.

    Only the owner of the database may write ``staff_members``: no page of the portal can make staff.
    """
    if role not in STAFF_ROLES:
        raise UnknownRole
    engine = create_engine(current_app.extensions["settings"].role_url("owner"), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(
            text("""INSERT INTO staff_members (user_id, role) VALUES (:user_id, :role)
                    ON CONFLICT (user_id) DO UPDATE SET role = excluded.role"""),
            {"user_id": user_id, "role": role},
        )
    with tenancy.bound(tenancy.PLATFORM, user_id=user_id):
        ended = sessions.revoke_all(user_id)
        audit.record("staff.granted", "user", user_id, after={"role": role, "sessions_ended": ended})
        db.session.commit()


def find_user_id(email: str) -> UUID | None:
    """The id of the user with this address, disabled or not."""
    with tenancy.bound():
        row = tenancy.execute_function("find_user_by_email", normal_email(email)).first()
    return row.user_id if row else None


def normal_email(email: str) -> str:
    """The address as it is stored: trimmed, lower-case. Raises Invalid when it cannot be one."""
    email = email.strip().lower()
    name, at, domain = email.rpartition("@")
    if not (name and at and domain) or len(email) > _EMAIL_LENGTH or not email.isprintable() or " " in email:
        raise Invalid
    return email
