"""What happens to a customer without his doing."""

from typing import Any

from ..engine import planned_failures
from ..world import World
from .calls import Body, Route, count, known


def fail_next_payment(world: World, body: Body, customer_id: str) -> Any:
    """Makes the next payments fail, whatever the card: `times` (1), `decline_code` (generic_decline)."""
    known(body, "times", "decline_code")
    code = str(body.get("decline_code", "generic_decline"))
    planned = world.store.run(planned_failures.plan, customer_id, count(body, "times", 1, most=1000), code)
    return {"customer": customer_id, "times": planned["times"], "decline_code": planned["decline_code"]}


ROUTES: list[Route] = [
    ("POST", "/_sandbox/customers/<customer_id>/fail_next_payment", fail_next_payment),
]
