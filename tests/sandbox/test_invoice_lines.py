"""Lines that are added to drafts, changed and removed through the invoice, and the items behind them."""

from typing import Any

import pytest

from .lives import DAY, START, Life


class Draft:
    """A customer's draft in a life of its own."""

    def __init__(self) -> None:
        self.life = Life()
        self.customer = self.life.customer()
        self.path = f"/v1/invoices/{self.life.post('/v1/invoices', customer=self.customer)['id']}"

    def add(self, *lines: Any, **more: Any) -> Any:
        return self.life.post(f"{self.path}/add_lines", lines=list(lines), **more)

    def refused(self, verb: str, **params: Any) -> Any:
        before = len(self.life.store.objects["event"])
        answer = self.life.call("POST", f"{self.path}{verb}", expect=0, **params)
        assert len(self.life.store.objects["event"]) == before
        return answer["error"]

    def items(self) -> dict[str, tuple[int, bool]]:
        """Amount, and whether it is on an invoice, by description."""
        every = self.life.get("/v1/invoiceitems", customer=self.customer)["data"]
        return {item["description"]: (item["amount"], item["invoice"] is not None) for item in every}


def test_lines_are_added_by_every_way_to_say_what_they_cost() -> None:
    draft = Draft()
    life = draft.life
    waiting = life.post("/v1/invoiceitems", customer=draft.customer, amount=250, currency="usd", description="Waited")
    product = life.post("/v1/products", name="Setup")["id"]
    price = life.post("/v1/prices", product=product, currency="usd", unit_amount=1500)["id"]
    rate = life.post("/v1/tax_rates", display_name="VAT", percentage="10", inclusive=False)["id"]
    inline = {"currency": "usd", "product": product, "unit_amount": 50}
    found = draft.add(
        {"amount": 1000, "description": "By hand", "tax_rates": [rate], "metadata": {"a": "b"}},
        {"pricing": {"price": price}, "quantity": 2},
        {"price_data": inline, "quantity": 3, "description": "Inline", "period": {"start": START, "end": START + DAY}},
        {"invoice_item": waiting["id"], "description": "Taken"},
        invoice_metadata={"order": "7"},
    )
    lines = found["lines"]["data"]
    assert [(line["description"], line["amount"]) for line in lines] == [
        ("By hand", 1000), ("Setup", 3000), ("Inline", 150), ("Taken", 250),
    ]  # fmt: skip
    assert (found["subtotal"], found["total"], found["metadata"]) == (4400, 4500, {"order": "7"})
    assert lines[0]["metadata"] == {"a": "b"}
    assert lines[2]["period"] == {"start": START, "end": START + DAY}
    assert draft.items() == {
        "By hand": (1000, True), "Setup": (3000, True), "Inline": (150, True), "Taken": (250, True),
    }  # fmt: skip


def test_lines_change_with_their_items() -> None:
    draft = Draft()
    first, second = draft.add({"amount": 1000, "description": "A"}, {"amount": 500, "description": "B"})["lines"][
        "data"
    ]
    line = draft.life.post(f"{draft.path}/lines/{first['id']}", amount=1200, description="A2")
    assert (line["id"], line["amount"], line["description"]) == (first["id"], 1200, "A2")
    coupon = draft.life.post("/v1/coupons", percent_off=50, duration="once")["id"]
    changed = draft.life.post(
        f"{draft.path}/update_lines",
        lines=[
            {"id": second["id"], "discounts": [{"coupon": coupon}]},
            {"id": first["id"], "metadata": {"k": "v"}, "quantity": 2},
        ],
        invoice_metadata={"n": "1"},
    )
    assert [line["id"] for line in changed["lines"]["data"]] == [first["id"], second["id"]]
    assert [line["amount"] for line in changed["lines"]["data"]] == [2400, 500]
    assert (changed["total"], changed["metadata"]) == (2400 + 250, {"n": "1"})
    assert draft.items() == {"A2": (2400, True), "B": (500, True)}


def test_removed_lines_leave_their_item_or_take_it_along() -> None:
    draft = Draft()
    first, second = draft.add({"amount": 1000, "description": "A"}, {"amount": 500, "description": "B"})["lines"][
        "data"
    ]
    left = draft.life.post(
        f"{draft.path}/remove_lines",
        lines=[{"id": first["id"], "behavior": "delete"}, {"id": second["id"], "behavior": "unassign"}],
    )
    assert (left["lines"]["data"], left["total"]) == ([], 0)
    assert draft.items() == {"B": (500, False)}


def test_what_is_refused_names_its_parameter_and_changes_nothing() -> None:
    draft = Draft()
    line = draft.add({"amount": 1000, "description": "A"})["lines"]["data"][0]["id"]
    foreign = draft.life.post("/v1/invoiceitems", customer=draft.life.customer(), amount=5, currency="usd")["id"]
    taken = draft.life.get("/v1/invoiceitems", customer=draft.customer)["data"][0]["id"]
    for entry, param in (
        ({"description": "nothing"}, "lines[1][amount]"),
        ({"pricing": {"price": "price_none"}}, "lines[1][pricing][price]"),
        ({"invoice_item": foreign}, "lines[1][invoice_item]"),
        ({"invoice_item": taken}, "lines[1][invoice_item]"),
        ({"amount": 5, "quantity": -1}, "lines[1][quantity]"),
    ):
        error = draft.refused("/add_lines", lines=[{"amount": 1, "description": "fits"}, entry])
        assert error["param"] == param
    missing = draft.refused("/update_lines", lines=[{"id": "il_none", "amount": 5}])
    assert (missing["message"], missing["param"]) == ("No such invoice line item: 'il_none'", "lines[0][id]")
    assert draft.refused("/lines/il_none", amount=5)["code"] == "resource_missing"
    assert draft.life.get(draft.path)["total"] == 1000
    draft.life.post(f"{draft.path}/finalize")
    for verb, params in (
        ("/add_lines", {"lines": [{"amount": 1}]}),
        ("/update_lines", {"lines": [{"id": line, "amount": 1}]}),
        ("/remove_lines", {"lines": [{"id": line, "behavior": "delete"}]}),
        (f"/lines/{line}", {"amount": 1}),
    ):
        assert draft.refused(verb, **params)["code"] == "invoice_not_editable"


@pytest.mark.parametrize("verb", ["lines/{}", "update_lines", "remove_lines"])
def test_lines_of_subscriptions_are_not_changed(verb: str) -> None:
    life = Life()
    customer = life.customer()
    life.subscribe(customer, life.price())
    life.advance(START + 31 * DAY + 60)
    invoice = life.get("/v1/invoices", status="draft", customer=customer)["data"][0]
    line = invoice["lines"]["data"][0]["id"]
    more = {"remove_lines": {"behavior": "delete"}}.get(verb, {"description": "x"})
    params: Any = more if verb == "lines/{}" else {"lines": [{"id": line, **more}]}
    answer = life.call("POST", f"/v1/invoices/{invoice['id']}/{verb.format(line)}", expect=0, **params)
    assert answer["error"]["code"] == "sandbox_not_modelled"
