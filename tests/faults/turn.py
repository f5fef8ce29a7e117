"""One turn of all periodic work, in processes that may die: whatever was begun is done in the end, once."""

from apiflask import APIFlask

from jobs.ticker import tick
from portal.outbox import schedule
from tests.faults import forks
from tests.faults.disturbed import Disturbed
from tests.faults.forks import Report
from tests.faults.journey import working

ROUNDS = 12


class Turn(Disturbed):
    """All tasks are due."""

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
        self.note(forks.run(self.world.worker, act, armed=self.armed(), while_stalled=self._others_go_on))

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
