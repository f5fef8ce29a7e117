"""A state file from before the agenda: what waits in it happens all the same."""

import json
from pathlib import Path

from .conftest import start
from .support import customer_with_card, open_session, product_with_price

DAY = 86400


def test_a_state_without_an_agenda_goes_on(tmp_path: Path) -> None:
    state = tmp_path / "state"
    running = start("--state", str(state))
    _, price = product_with_price(running)
    customer, _ = customer_with_card(running)
    subscription = running.client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    leaving = running.client.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": price.id}], "cancel_at_period_end": True}
    )
    session = open_session(running, price.id)
    running.stop()
    _forget_agenda(state)
    again = start("--state", str(state))
    assert again.client.v1.checkout.sessions.retrieve(session.id).status == "expired"
    again.control("clock", {"advance_seconds": 32 * DAY})
    renewed = again.client.v1.subscriptions.retrieve(subscription.id)
    assert renewed["items"].data[0].current_period_start == subscription["items"].data[0].current_period_end
    assert again.client.v1.subscriptions.retrieve(leaving.id).status == "canceled"
    again.kill()


def _forget_agenda(state: Path) -> None:
    lines = []
    for line in state.read_text().splitlines():
        changes = [
            [kind, key, _former(body)]
            for kind, key, body in json.loads(line)
            if kind != "_agenda" and (kind, key) != ("_meta", "agenda")
        ]
        lines.append(json.dumps(changes))
    state.write_text("\n".join(lines) + "\n")


def _former(body: object) -> object:
    return {key: value for key, value in body.items() if key != "_"} if isinstance(body, dict) else body
