"""One turn of all periodic work, in processes that may die: whatever was begun is done in the end, once."""

from apiflask import APIFlask

from portal.gateway.account import verify_account
from portal.gateway.errors import StripeFailure
from tests.faults import forks
from tests.faults.acts import ticking
from tests.faults.disturbed import Disturbed
from tests.faults.forks import Act, Report

ROUNDS = 12
_GONE = """
    INSERT INTO stripe_cursors (name, started_at, stage, after)
    VALUES ('sweep', now(), 'subscriptions', 'sub_gone')
    ON CONFLICT (name) DO UPDATE SET started_at = now(), stage = 'subscriptions', after = 'sub_gone' RETURNING name"""


class Turn(Disturbed):
    """A worker starts, and all tasks are due; what the nightly sweep stopped at was deleted since."""

    def live(self) -> None:
        self.world.rows(_GONE)
        self.world.rows("UPDATE periodic_tasks SET next_at = now() - interval '1 second' RETURNING name")
        for _round in range(ROUNDS + len(self.points)):
            for act in (_starting, ticking, self.work):
                self.act(self.world.worker, act)
            self.world.let_time_pass()
            if not self.world.open_work() and not self._due():
                return
        raise AssertionError(f"still open: {self.world.open_rows()}")

    def others_go_on(self, app: APIFlask, _act: Act) -> None:
        self.world.let_time_pass()
        for act in (ticking, self.work):
            forks.run(app, act)

    def _due(self) -> int:
        return len(self.world.rows("SELECT name FROM periodic_tasks WHERE next_at <= now()"))

    def verify(self) -> None:
        """Every task was started and done, none twice in a turn, none given up."""
        rows = self.world.rows(
            "SELECT t.name, count(o.id) FILTER (WHERE o.done_at IS NOT NULL) AS done, count(o.id) AS started"
            " FROM periodic_tasks t LEFT JOIN outbox o ON o.kind = 'periodic.' || t.name GROUP BY t.name"
        )
        assert rows
        assert [row for row in rows if not row["done"] == row["started"] >= 1] == []
        assert self.world.rows("SELECT key, last_error FROM outbox WHERE dead_at IS NOT NULL") == []
        # A look for missed events that Stripe did not answer is for the next turn; the sweep goes on in this one.
        under_way = "name = 'sweep' AND (started_at IS NOT NULL OR completed_at IS NULL)"
        assert self.world.rows(f"SELECT name FROM stripe_cursors WHERE {under_way}") == []  # noqa: S608


def _starting(_app: APIFlask, report: Report) -> None:
    """As ``jobs.startup`` does: a Stripe that is away keeps nobody from starting."""
    try:
        verify_account()
    except StripeFailure as error:
        report(unchecked=str(error))
