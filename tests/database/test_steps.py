"""State machines: what the keys of ``steps`` allow, and what not even the owner can write."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import create_engine, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError
from sqlalchemy.orm import Session

from portal import steps, tenancy
from portal.extensions import db
from portal.ids import uuid7
from portal.models import Checkout, LegalStep, Model, Step
from portal.models.steps import Stepped
from tests.pages import rows
from tests.support.shopping import make_tenant
from tests.support.steps import bring


@pytest.fixture
def tenant(web) -> UUID:
    return make_tenant()


@pytest.fixture
def owner(web):
    engine = create_engine(web.extensions["settings"].role_url("owner"))
    with Session(engine, expire_on_commit=False) as session:
        yield session
    engine.dispose()


def step(checkout: Checkout, **values: Any) -> Step:
    """The step that would follow the checkout's last, unless told otherwise."""
    known = {
        "tenant_id": checkout.tenant_id, "machine": "checkout", "object_id": checkout.id,
        "number": checkout.step_number + 1, "previous": checkout.step_number,
        "from_state": checkout.state, "to_state": "complete",
    }  # fmt: skip
    return Step(**{**known, **values})


def test_the_code_and_the_database_know_the_same_pairs(owner):
    machines = [mapper.class_ for mapper in Model.registry.mappers if issubclass(mapper.class_, Stepped)]
    said = {(machine.MACHINE, *pair) for machine in machines for pair in machine.LEGAL}
    known = owner.execute(select(LegalStep.machine, LegalStep.from_state, LegalStep.to_state))
    assert said == {tuple(row) for row in known}
    assert len(said) > 10


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"to_state": "preparing"}, id="a pair that is not legal"),
        pytest.param({"from_state": "preparing", "to_state": "failed"}, id="from where it is not"),
        pytest.param({"number": 2, "previous": 1, "from_state": "preparing"}, id="a second way from one place"),
        pytest.param({"number": 4, "previous": 3}, id="a number left out"),
        pytest.param({"number": 4, "previous": 2}, id="a link over a step"),
        pytest.param({"object_id": uuid7()}, id="from another object's step"),
        pytest.param({"machine": "window"}, id="another machine"),
        pytest.param({"number": 1, "previous": None, "from_state": "", "to_state": "open"}, id="a life begun anew"),
    ],
)
def test_an_illegal_step_is_impossible(owner, tenant, values):
    checkout = rows.checkout(owner, tenant, "open")
    owner.commit()
    owner.add(step(checkout, **values))
    with pytest.raises(IntegrityError):
        owner.flush()


def test_a_row_shows_no_state_that_it_has_no_step_to(owner, tenant):
    checkout = rows.checkout(owner, tenant, "open")
    owner.commit()
    checkout.state = "complete"
    with pytest.raises(IntegrityError):
        owner.commit()
    owner.rollback()
    owner.refresh(checkout)
    bring(owner, checkout, "complete")
    owner.commit()


@pytest.mark.parametrize("act", ["UPDATE steps SET reason = 'x'", "DELETE FROM steps"])
@pytest.mark.parametrize("role", ["web", "worker"])
def test_steps_are_appended_only(request, owner, tenant, role, act):
    rows.checkout(owner, tenant, "open")
    owner.commit()
    app = request.getfixturevalue(role)
    with app.app_context(), tenancy.bound(tenant), pytest.raises(ProgrammingError):
        db.session.execute(text(act))


def test_what_cannot_follow_is_told_before_the_database_has_to(web, owner, tenant):
    checkout = rows.checkout(owner, tenant, "open")
    owner.commit()
    with tenancy.bound(tenant):
        row = db.session.get_one(Checkout, (tenant, checkout.id))
        with pytest.raises(steps.IllegalStep) as refused:
            steps.move(row, "preparing")
        assert refused.value.params == {"machine": "checkout", "before": "open", "after": "preparing"}
        steps.move(row, "complete", reason="told by Stripe")
        db.session.commit()
        told = select(Step.from_state, Step.to_state, Step.reason).order_by(Step.number)
        assert db.session.execute(told).all()[-1] == ("open", "complete", "told by Stripe")
