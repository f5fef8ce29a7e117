"""The address that Checkout asks for: the whole of it, in the payer's language, kept where Stripe keeps it."""

import re
from typing import Any

import pytest

from .conftest import Sandbox
from .shopping import opened, press, priced
from .support import open_session

ADDRESS = {
    "line1": "Rua Augusta 100",
    "line2": "ap. 7",
    "city": "São Paulo",
    "state": "sp",
    "postal_code": "01304-000",
    "country": "br",
}


@pytest.fixture(scope="module")
def price(shared: Sandbox) -> str:
    return priced(shared)


def test_the_whole_address_is_asked_for_and_kept(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price, billing_address_collection="required")
    for language, words in (
        ("en", ["Address", "Apartment, floor (optional)", "City", "State or province (optional)"]),
        ("es", ["Dirección", "Piso, puerta (opcional)", "Ciudad", "Estado o provincia (opcional)"]),
        ("pt-BR", ["Endereço", "Complemento (opcional)", "Cidade", "Estado ou província (opcional)"]),
    ):
        shown = opened(session, language).text
        labels = re.findall(r'<label for="(line1|line2|city|state)">([^<]*)</label>', shown)
        assert labels == list(zip(("line1", "line2", "city", "state"), words, strict=True))
    kept = press(session, number="4000000000000002", **ADDRESS).text
    assert all(f'value="{ADDRESS[name]}"' in kept for name in ADDRESS)
    press(session, **ADDRESS)
    done: Any = shared.client.v1.checkout.sessions.retrieve(session.id, {"expand": ["customer"]})
    wanted = {**ADDRESS, "state": "SP", "country": "BR"}
    assert done.customer_details.address.to_dict() == wanted
    assert done.customer.address.to_dict() == wanted


@pytest.mark.parametrize(("state", "kept"), [("tx", "TX"), ("nsw", "NSW"), ("Cork", "Cork")])
def test_codes_of_states_are_written_in_capitals(shared: Sandbox, price: str, state: str, kept: str) -> None:
    session = open_session(shared, price, billing_address_collection="required")
    press(session, **{**ADDRESS, "state": state})
    done: Any = shared.client.v1.checkout.sessions.retrieve(session.id)
    assert done.customer_details.address.state == kept


def test_an_address_is_asked_for_only_where_the_session_wants_it(shared: Sandbox, price: str) -> None:
    shown = opened(open_session(shared, price)).text
    assert not re.search(r'name="(line1|city|country|postal_code)"', shown)


def test_the_control_api_pays_with_a_whole_address(shared: Sandbox, price: str) -> None:
    session = open_session(shared, price)
    shared.control(f"checkout/{session.id}/pay", {"card": "4242424242424242", "email": "a@example.com", **ADDRESS})
    done: Any = shared.client.v1.checkout.sessions.retrieve(session.id)
    assert done.customer_details.address.line2 == "ap. 7"


@pytest.mark.parametrize("part", ["line1", "city", "country"])
def test_what_the_form_requires_is_required_without_it_too(shared: Sandbox, price: str, part: str) -> None:
    session = open_session(shared, price, billing_address_collection="required")
    answer = press(session, **{**ADDRESS, part: ""})
    assert "Enter your full billing address." in answer.text
    assert shared.client.v1.checkout.sessions.retrieve(session.id).status == "open"
