"""Rows of the bound tenant by their id: row-level security hides another's, whatever a payload or an address says."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import Select, select

from portal.errors import NotFound
from portal.extensions import db
from portal.models.base import TenantOwned

Found = TypeVar("Found")
Owned = TypeVar("Owned", bound=TenantOwned)


def one(wanted: Select[Found]) -> Found:
    """What is looked for. Raises :class:`portal.errors.NotFound` for what is missing or another tenant's."""
    found = db.session.scalars(wanted).first()
    if found is None:
        raise NotFound
    return found


def owned(model: type[Owned], row_id: UUID) -> Owned:
    """The row with this id. Raises as :func:`one` does."""
    return one(select(model).where(model.id == row_id))


def for_update(model: type[Owned], row_id: UUID) -> Owned:
    """The row with this id, which is there, as it is now and locked until the transaction ends."""
    wanted = select(model).where(model.id == row_id).with_for_update()
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()
