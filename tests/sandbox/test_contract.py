"""The compiled checks and the coercion, against jsonschema and by example."""

import copy
from typing import Any

import jsonschema
import pytest
import stripe
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox import ids
from sandbox.cards import luhn_valid
from sandbox.contract import API_VERSION, load
from sandbox.contract.coerce import coerce_params
from sandbox.engine.periods import period_end
from sandbox.errors import InvalidRequest
from sandbox.wire.forms import decode

PRODUCT: dict[str, Any] = {
    "id": "prod_1", "object": "product", "active": True, "created": 1, "description": None, "images": [],
    "livemode": False, "marketing_features": [{"name": "x"}], "metadata": {}, "name": "x",
    "package_dimensions": None, "shippable": None, "tax_details": None, "type": "service", "updated": 1,
    "url": None,
}  # fmt: skip

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "name", "x"]), inner, max_size=2)
    ),
    max_leaves=4,
)


def test_the_schema_is_of_the_version_that_the_sdk_pins() -> None:
    assert stripe.api_version == API_VERSION


@given(field=st.sampled_from([*PRODUCT, "unknown", "default_price", "tax_code"]), value=_JSON, drop=st.booleans())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_compiled_checks_agree_with_jsonschema(field: str, value: Any, drop: bool) -> None:
    contract = load()
    body = copy.deepcopy(PRODUCT)
    if drop:
        body.pop(field, None)
    else:
        body[field] = value
    node = {"$ref": "#/definitions/Product"}
    reference = jsonschema.Draft7Validator({**node, "definitions": contract.definitions})
    assert (contract.check_object(node, body) is None) == reference.is_valid(body)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("expand[]=a&expand[]=b", {"expand": ["a", "b"]}),
        ("expand[0]=a&expand[1]=b", {"expand": ["a", "b"]}),
        (
            "items[1][price]=q&items[0][price]=p&items[0][quantity]=2&trial_end=now",
            {"items": [{"price": "p", "quantity": 2}, {"price": "q"}], "trial_end": "now"},
        ),
        ("trial_end=5&metadata[a]=1&description=x", {"trial_end": 5, "metadata": {"a": "1"}, "description": "x"}),
        ("metadata=&cancel_at_period_end=true", {"metadata": "", "cancel_at_period_end": True}),
        ("application_fee_percent=2.5", {"application_fee_percent": 2.5}),
        ("description=a%20%26+b%C3%A9", {"description": "a & bé"}),
    ],
)
def test_forms_become_typed_parameters(body: str, expected: dict[str, Any]) -> None:
    contract = load()
    operation = contract.operation("Subscriptions.create")
    assert coerce_params(contract, operation.params, decode(body)) == expected


@pytest.mark.parametrize(
    "body", ["a[b=1", "a=1&a[b]=2", "a[]=1&a[b]=2", "a[b][c][d][e][f][g][h][i][j][k][l][m]=1", "=1", "%FF=1"]
)
def test_forms_that_are_none(body: str) -> None:
    with pytest.raises(InvalidRequest):
        decode(body)


def test_literal_paths_win_over_ids() -> None:
    contract = load()
    literal = contract.match("POST", "/v1/invoices/create_preview")
    by_id = contract.match("GET", "/v1/invoices/in_1")
    assert literal is not None
    assert by_id is not None
    assert (literal[0].id, by_id[0].id, by_id[1]) == ("Invoices.createPreview", "Invoices.retrieve", ["in_1"])
    assert contract.match("GET", "/v1/invoices/in_1/") is None


@pytest.mark.parametrize(
    ("start", "interval", "count", "end"),
    [
        (1769817600, "month", 1, 1772236800),  # 2026-01-31 -> 2026-02-28
        (1709164800, "year", 1, 1740700800),  # 2024-02-29 -> 2025-02-28
        (1764547200, "month", 2, 1769904000),  # 2025-12-01 -> 2026-02-01
        (1764547200, "week", 2, 1765756800),
        (1764547200, "day", 1, 1764633600),
    ],
)
def test_periods_follow_the_calendar(start: int, interval: str, count: int, end: int) -> None:
    assert period_end(start, {"interval": interval, "interval_count": count}) == end


def test_periods_keep_the_anchors_day() -> None:
    assert period_end(1772236800, {"interval": "month", "interval_count": 1}, anchor=1769817600) == 1774915200


def test_seeded_ids_repeat_and_random_ones_do_not() -> None:
    assert [ids.Ids(3).new("cus") for _ in range(2)] == ["cus_" + ids.Ids(3).new("cus")[4:]] * 2
    assert ids.Ids().new("cus") != ids.Ids().new("cus")
    assert len(ids.Ids(1).new("sub")) == len("sub_1") + 23


@pytest.mark.parametrize(
    ("number", "valid"),
    [("4242424242424242", True), ("4242424242424241", False), ("378282246310005", True), ("", False), ("42x2", False)],
)
def test_luhn(number: str, valid: bool) -> None:
    assert luhn_valid(number) == valid
