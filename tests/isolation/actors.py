"""Who tries: each with a cookie and a token of a session that is what it says, for good or for bad."""

from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from tests.isolation.world import RIVAL_KEY, World
from tests.support import people
from tests.support.people import Person

# How a person stands to the victim's things:
#   out     may do nothing that needs a session
#   apart   signed in, and the victim's things are to them as if they were not
#   within  of the victim's tenant, with the lowest role
Standing = Literal["out", "apart", "within"]


@dataclass(frozen=True)
class Actor:
    """``thorough``: tries every id at every place one by one, where others send them all at once.

    ``bearer``: the key of an integration.
    """

    name: str
    standing: Standing
    cookies: dict[str, str]
    token: str
    session_id: UUID | None = None
    thorough: bool = False
    is_staff: bool = False
    belongs_to_both: bool = False
    bearer: str = ""


def all_of(world: World) -> list[Actor]:
    """Everybody, signed in now. Those whose session is over come first: signing out others would end it twice."""
    with _owner(world) as connection:
        return [
            _actor(world, "anonymous", "out", None),
            _stale(world, connection, "revoked session", "revoked_at = now()"),
            _stale(world, connection, "expired session", "expires_at = now() - interval '1 minute'"),
            _stale(world, connection, "idle session", "last_seen_at = now() - interval '8 days'"),
            thorough(world),
            _actor(world, "viewer of another tenant", "apart", world.rival_viewer),
            _actor(world, "member of both, looking at the other", "apart", world.shopper, belongs_to_both=True),
            _actor(world, "member of nothing", "apart", world.nowhere),
            replace(_actor(world, "integration of another tenant", "apart", None), bearer=RIVAL_KEY),
            _actor(world, "staff", "apart", world.staff, is_staff=True),
            _former_staff(world, connection),
            _actor(world, "viewer of the victim", "within", world.victim_viewer),
        ]


def thorough(world: World) -> Actor:
    """The one who tries most."""
    return _actor(world, "owner of another tenant", "apart", world.rival, thorough=True)


def _actor(
    world: World,
    name: str,
    standing: Standing,
    person: Person | None,
    *,
    thorough: bool = False,
    is_staff: bool = False,
    belongs_to_both: bool = False,
) -> Actor:
    client = people.browser(world.app, person)
    if belongs_to_both:
        assert client.send("/tenant", tenant_id=str(person and person.tenant_id)).status_code == 303
    token = client.token("/account" if person else "/forgot-password")
    name_of_cookie = world.app.config["SESSION_COOKIE_NAME"]
    cookie = client.get_cookie(name_of_cookie)
    assert cookie is not None
    session_id = None if person is None else _last_session(world, person)
    cookies = {name_of_cookie: cookie.value}
    return Actor(name, standing, cookies, token, session_id, thorough, is_staff, belongs_to_both)


def _last_session(world: World, person: Person) -> UUID:
    with _owner(world) as connection:
        last = "SELECT id FROM user_sessions WHERE user_id = :user ORDER BY id DESC LIMIT 1"
        found: UUID = connection.execute(text(last), {"user": person.user_id}).scalar_one()
    return found


def _stale(world: World, connection: Connection, name: str, change: str) -> Actor:
    """A session of the other tenant's owner that is over."""
    actor = _actor(world, name, "out", world.rival)
    connection.execute(text(f"UPDATE user_sessions SET {change} WHERE id = :id"), {"id": actor.session_id})  # noqa: S608
    connection.commit()
    return actor


def _former_staff(world: World, connection: Connection) -> Actor:
    """Lost the role while signed in."""
    actor = _actor(world, "former staff", "apart", world.former_staff)
    connection.execute(text("DELETE FROM staff_members WHERE user_id = :user"), {"user": world.former_staff.user_id})
    connection.commit()
    return actor


def _owner(world: World) -> Connection:
    return create_engine(world.settings.role_url("owner"), poolclass=NullPool).connect()
