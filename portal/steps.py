"""Moving an object of ours from state to state: one appended row each, held by the database's keys."""

from sqlalchemy import insert

from portal.errors import Conflict
from portal.extensions import db
from portal.models import Step
from portal.models.steps import NOWHERE, Stepped


class IllegalStep(Conflict):
    """The object is in a state from which this cannot follow: somebody else was faster, or it is over."""

    code = "illegal_step"
    remedy = "Reload the page to see how things stand now."


def begin(row: Stepped, state: str, *, reason: str = "") -> None:
    """Give a new object its first state, in the current transaction. The caller adds the row to the session."""
    row.step_number = 0
    row.state = NOWHERE
    move(row, state, reason=reason)


def move(row: Stepped, state: str, *, reason: str = "") -> None:
    """Append the step to ``state`` in the current transaction; the caller holds the row's or the tenant's lock.

    ``reason`` is a code or an id, never personal data. Raises :class:`IllegalStep` for a pair that is not in
    the machine's ``LEGAL``; past that the keys of ``steps`` refuse what is illegal, and a second step from the
    same place.
    """
    if (row.state, state) not in row.LEGAL:
        raise IllegalStep(machine=row.MACHINE, before=row.state, after=state)
    number = row.step_number + 1
    db.session.execute(
        insert(Step).values(
            tenant_id=row.tenant_id,
            machine=row.MACHINE,
            object_id=row.id,
            number=number,
            previous=number - 1 or None,
            from_state=row.state,
            to_state=state,
            reason=reason,
        )
    )
    row.state, row.step_number = state, number
