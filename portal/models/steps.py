"""Our own state machines: every transition is a row that can follow only from the one before it."""

from typing import ClassVar
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from portal.models.base import Model, Timestamped

NOWHERE = ""  # the state before the first step


class LegalStep(Model):
    """Which states may follow which; a machine is the name of a kind of object that lives through states."""

    __tablename__ = "legal_steps"

    machine: Mapped[str] = mapped_column(primary_key=True)
    from_state: Mapped[str] = mapped_column(primary_key=True)
    to_state: Mapped[str] = mapped_column(primary_key=True)


class Step(Timestamped, Model):
    """One transition. Its keys hold it to the step before (which ended in ``from_state``) and to a legal pair.

    ``number`` counts from 1 within the object, and is the primary key: two steps from one place cannot both be.
    """

    __tablename__ = "steps"
    __table_args__ = (
        UniqueConstraint("tenant_id", "machine", "object_id", "number", "to_state", name="steps_to_state_key"),
        ForeignKeyConstraint(
            ["tenant_id", "machine", "object_id", "previous", "from_state"],
            ["steps.tenant_id", "steps.machine", "steps.object_id", "steps.number", "steps.to_state"],
            name="steps_previous_fkey",
        ),
        ForeignKeyConstraint(
            ["machine", "from_state", "to_state"],
            ["legal_steps.machine", "legal_steps.from_state", "legal_steps.to_state"],
            name="steps_legal_fkey",
        ),
        CheckConstraint(
            "CASE WHEN number = 1 THEN previous IS NULL AND from_state = ''"
            " ELSE number > 1 AND previous = number - 1 END",
            name="number",
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    machine: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    previous: Mapped[int | None]
    from_state: Mapped[str]
    to_state: Mapped[str]
    reason: Mapped[str] = mapped_column(server_default="")


class Stepped:
    """Mixin of an object that lives through the states of a machine; :mod:`portal.steps` moves it.

    ``LEGAL`` holds the pairs of the table ``legal_steps`` (a test compares them). ``machine`` is the same in all rows
    of a table: with it a foreign key can hold ``state`` to the object's last step (:func:`chained`).
    """

    MACHINE: ClassVar[str]
    LEGAL: ClassVar[frozenset[tuple[str, str]]]

    tenant_id: Mapped[UUID]
    id: Mapped[UUID]
    machine: Mapped[str]
    state: Mapped[str]
    step_number: Mapped[int]


def chained(machine: str) -> tuple[ForeignKeyConstraint | CheckConstraint, ...]:
    """The constraints of a stepped table: the state that a row shows is that of the step it names."""
    return (
        CheckConstraint(f"machine = '{machine}'", name="machine"),
        ForeignKeyConstraint(
            ["tenant_id", "machine", "id", "step_number", "state"],
            ["steps.tenant_id", "steps.machine", "steps.object_id", "steps.number", "steps.to_state"],
            name=f"{machine}_step_fkey",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
