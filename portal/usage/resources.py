"""What is metered, as staff define it."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from portal import clock, lookups, tenancy
from portal.config import LANGUAGES
from portal.errors import Invalid
from portal.extensions import db
from portal.models import Resource
from portal.models.usage import AGGREGATIONS
from portal.security import audit

CODE = re.compile("[a-z][a-z0-9_]{0,62}")
LONGEST_NAME = 60
LONGEST_UNIT = 20
MOST_DECIMALS = 9
LAST_POSITION = 9999


class BadResource(Invalid):
    """Base of what can be wrong with a resource; ``field`` names the part of the draft."""

    code = "bad_resource"
    field: ClassVar[str] = ""


class BadResourceCode(BadResource):
    code, field = "bad_resource_code", "resource_type"
    message = "A code has 1 to 63 small letters, digits or underscores, and begins with a letter."


class ResourceTaken(BadResource):
    code, status, field = "resource_taken", 409, "resource_type"
    message = "There is a resource with this code already; archived ones count too."


class BadAggregation(BadResource):
    code, field = "bad_resource_aggregation", "aggregation"
    message = "Choose how a quantity is made of a period's reports."


class BadResourceName(BadResource):
    code, field = "bad_resource_name", "name_en"
    message = "A name has at most 60 characters; the English one is needed."


class BadUnit(BadResource):
    code, field = "bad_resource_unit", "unit"
    message = "A unit has at most 20 characters."


class BadDecimals(BadResource):
    code, field = "bad_resource_decimals", "decimals"
    message = "A quantity shows 0 to 9 decimals."


class BadPosition(BadResource):
    code, field = "bad_resource_position", "position"
    message = "A place is a number from 0 to 9,999."


@dataclass(frozen=True)
class Looks:
    """What can change at any time: ``names`` by language, the quantities' unit, shown decimals, the place in lists."""

    names: Mapping[str, str]
    unit: str = ""
    decimals: int = 0
    position: int = 0

    @classmethod
    def of(cls, resource: Resource) -> "Looks":
        return cls(dict(resource.names), resource.unit, resource.decimals, resource.position)

    def checked(self) -> "Looks":
        """The same without blanks around; empty names left out. Raises :class:`BadResource` subclasses."""
        names = {language: self.names.get(language, "").strip() for language in LANGUAGES}
        if not names["en"] or any(not _is_text(name, LONGEST_NAME) for name in names.values()):
            raise BadResourceName
        if not _is_text(unit := self.unit.strip(), LONGEST_UNIT):
            raise BadUnit
        if not 0 <= self.decimals <= MOST_DECIMALS:
            raise BadDecimals
        if not 0 <= self.position <= LAST_POSITION:
            raise BadPosition
        return Looks({language: name for language, name in names.items() if name}, unit, self.decimals, self.position)


def listed() -> Sequence[Resource]:
    """All of them in the order in which they are shown, archived ones last."""
    wanted = select(Resource).order_by(Resource.archived_at.is_not(None), Resource.position, Resource.resource_type)
    return db.session.scalars(wanted).all()


def by_type(resource_types: Collection[str]) -> Mapping[str, Resource]:
    """Those of these types, also archived ones, in one query; none for none."""
    if not resource_types:
        return {}
    wanted = select(Resource).where(Resource.resource_type.in_(resource_types))
    return {resource.resource_type: resource for resource in db.session.scalars(wanted)}


def get(resource_type: str) -> Resource:
    """One of them, also an archived one. Raises :class:`portal.errors.NotFound`."""
    return lookups.one(select(Resource).where(Resource.resource_type == resource_type))


def create(resource_type: str, aggregation: str, looks: Looks, *, actor: UUID) -> None:
    """Define a resource: reports of it are taken from now on. Commits.

    ``actor`` is of the staff's admin or finance: the database asks, too. Raises :class:`BadResource` subclasses.
    """
    if not CODE.fullmatch(resource_type):
        raise BadResourceCode
    if aggregation not in AGGREGATIONS:
        raise BadAggregation
    values = asdict(looks.checked())
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        try:
            db.session.add(Resource(resource_type=resource_type, aggregation=aggregation, **values))
            db.session.flush()
        except IntegrityError as error:
            raise ResourceTaken from error
        audit.record("resource.create", "resource", resource_type, after={"aggregation": aggregation, **values})
        db.session.commit()


def change(resource_type: str, looks: Looks, *, actor: UUID) -> None:
    """Show it otherwise from now on. How its quantity is made stays: sums that are there were made so. Commits.

    Raises as :func:`create` does, and :class:`portal.errors.NotFound`.
    """
    after = asdict(looks.checked())
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        resource = get(resource_type)
        _move(resource, "resource.change", {name: getattr(resource, name) for name in after}, after)


def archive(resource_type: str, *, actor: UUID) -> None:
    """Take no more reports of it; what was reported is billed all the same. Once more does nothing. Commits.

    Raises :class:`portal.errors.NotFound`.
    """
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        resource = get(resource_type)
        if resource.archived_at is None:
            _move(resource, "resource.archive", {"archived_at": None}, {"archived_at": clock.now()})


def restore(resource_type: str, *, actor: UUID) -> None:
    """Take reports of it again. Once more does nothing. Commits. Raises :class:`portal.errors.NotFound`."""
    with tenancy.bound(tenancy.PLATFORM, user_id=actor):
        resource = get(resource_type)
        _move(resource, "resource.restore", {"archived_at": resource.archived_at}, {"archived_at": None})


def _move(resource: Resource, verb: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    moved = [name for name in after if before[name] != after[name]]
    if not moved:
        return
    for name in moved:
        setattr(resource, name, after[name])
    db.session.flush()
    said = ({name: values[name] for name in moved} for values in (before, after))
    audit.record(verb, "resource", resource.resource_type, before=next(said), after=next(said))
    db.session.commit()


def _is_text(text: str, longest: int) -> bool:
    return len(text) <= longest and text.isprintable()
