"""Bringing an object into a state by the steps that lead there: the keys of ``steps`` allow no other way."""

from collections import deque

from sqlalchemy.orm import Session

from portal.models import Step
from portal.models.steps import NOWHERE, Stepped


def bring(session: Session, row: Stepped, state: str) -> None:
    """Append the fewest steps from where ``row`` is to ``state``, in the session's transaction."""
    if not row.state:
        row.state, row.step_number = NOWHERE, 0
    for after in _way(row.LEGAL, row.state, state):
        number = row.step_number + 1
        session.add(
            Step(
                tenant_id=row.tenant_id,
                machine=row.MACHINE,
                object_id=row.id,
                number=number,
                previous=number - 1 or None,
                from_state=row.state,
                to_state=after,
            )
        )
        session.flush()
        row.state, row.step_number = after, number
    session.flush()


def _way(legal: frozenset[tuple[str, str]], start: str, end: str) -> list[str]:
    ways = deque([[start]])
    seen = {start}
    while ways:
        way = ways.popleft()
        if way[-1] == end:
            return way[1:]
        for before, after in sorted(legal):
            if before == way[-1] and after not in seen:
                seen.add(after)
                ways.append([*way, after])
    raise AssertionError(f"no way from {start!r} to {end!r}")
