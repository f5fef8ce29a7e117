"""One turn of all periodic work, in processes that may die: whatever was begun is done in the end, once."""

from collections import Counter
from dataclasses import dataclass, field

from apiflask import APIFlask

from jobs.ticker import tick
from portal.outbox import schedule
from tests.faults import forks
from tests.faults.forks import Report
from tests.faults.journey import working
from tests.faults.world import World

ROUNDS = 12


@dataclass
class Turn:
    """All tasks are due; ``points`` are armed with ``action`` until each has acted once."""

    world: World
    points: tuple[str, ...] = ()
    action: str = "kill"
    passed: set[str] = field(default_factory=set)
    acted: Counter[str] = field(default_factory=Counter)

    @property
    def remaining(self) -> tuple[str, ...]:
        return tuple(point for point in self.points if not self.acted[point])

    def live(self) -> None:
        self.world.rows("UPDATE periodic_tasks SET next_at = now() - interval '1 second' RETURNING name")
        for _round in range(ROUNDS + len(self.points)):
            for act in (_ticking, working):
                self._act(act)
            self.world.let_time_pass()
            if not self.world.open_work() and not self._due():
                return
        raise AssertionError(f"still open: {self.world.open_rows()}")

    def _act(self, act: forks.Act) -> None:
        armed = "; ".join(f"{point}={self.action}" for point in self.remaining)
        outcome = forks.run(self.world.worker, act, armed=armed, while_stalled=self._others_go_on)
        for point in outcome.passed:
            if point in self.remaining:
                self.acted[point] += 1
        self.passed |= set(outcome.passed)

    def _others_go_on(self) -> None:
        self.world.let_time_pass()
        for act in (_ticking, working):
            forks.run(self.world.worker, act)

    def _due(self) -> int:
        return len(self.world.rows("SELECT name FROM periodic_tasks WHERE next_at <= now()"))


def _ticking(_app: APIFlask, _report: Report) -> None:
    schedule.register_all()
    tick()


def verify(turn: Turn) -> None:
    """Every task was started and done, none twice in a turn, none given up."""
    world = turn.world
    rows = world.rows(
        "SELECT t.name, count(o.id) FILTER (WHERE o.done_at IS NOT NULL) AS done, count(o.id) AS started"
        " FROM periodic_tasks t LEFT JOIN outbox o ON o.kind = 'periodic.' || t.name GROUP BY t.name"
    )
    assert rows
    assert [row for row in rows if not row["done"] == row["started"] >= 1] == []
    assert world.rows("SELECT key, last_error FROM outbox WHERE dead_at IS NOT NULL") == []
