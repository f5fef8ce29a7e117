"""Payment methods: added at Stripe, chosen, second in line, removed."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from apiflask import APIFlask
from sqlalchemy import select

from portal import failpoints, tenancy
from portal.billing import method_setups, payment_methods
from portal.errors import NotFound
from portal.extensions import db
from portal.gateway.errors import PaymentServiceUnavailable
from portal.gateway.inbox import want
from portal.models import Customer, MethodSetup, Notice, PaymentMethod
from tests.support.sandbox import Sandbox
from tests.support.shopping import ACTOR, buy, make_tenant

Drain = Callable[[], int]
MASTERCARD = "5555555555554444"
pytestmark = pytest.mark.usefixtures("web")


def begin(tenant_id):
    with tenancy.bound(tenant_id):
        return method_setups.start(actor=ACTOR, language="en")


def add(tenant_id, sandbox: Sandbox, drain: Drain, card: str = MASTERCARD) -> PaymentMethod:
    """Add a card by Checkout, land on the return page, let the worker work."""
    setup = begin(tenant_id)
    sandbox.pay(str(setup.stripe_session_id), card)
    land(tenant_id, setup)
    drain()
    found = progress(tenant_id, setup)
    assert found.step == "saved"
    assert found.method is not None
    return found.method


def land(tenant_id, setup: MethodSetup) -> None:
    with tenancy.bound(tenant_id):
        method_setups.refresh(method_setups.get(setup.id))


def progress(tenant_id, setup: MethodSetup) -> method_setups.Progress:
    with tenancy.bound(tenant_id):
        return method_setups.progress(method_setups.get(setup.id))


def listed(tenant_id) -> list[payment_methods.Listed]:
    with tenancy.bound(tenant_id):
        return payment_methods.listed()


def customer(tenant_id) -> Customer:
    with tenancy.bound(tenant_id):
        return db.session.get_one(Customer, tenant_id)


def kinds(tenant_id) -> list[str]:
    with tenancy.bound(tenant_id):
        return list(db.session.scalars(select(Notice.kind).order_by(Notice.id)))


def at_stripe(sandbox: Sandbox, tenant_id):
    """What Stripe would charge: the customer's default, and that of its subscriptions."""
    stripe_id = str(customer(tenant_id).stripe_customer_id)
    mine = next(entry for entry in sandbox.listed("customers") if entry["id"] == stripe_id)
    subscriptions = sandbox.listed("subscriptions", customer=stripe_id)
    return mine["invoice_settings"]["default_payment_method"], [one["default_payment_method"] for one in subscriptions]


def test_the_first_method_becomes_the_default(stripe_sandbox: Sandbox, drain: Drain) -> None:
    tenant_id = make_tenant()
    method = add(tenant_id, stripe_sandbox, drain)
    assert (method.brand, method.last4) == ("mastercard", "4444")
    [entry] = listed(tenant_id)
    assert (entry.is_default, entry.can_remove) == (True, True)
    assert at_stripe(stripe_sandbox, tenant_id)[0] == method.stripe_payment_method_id
    assert "payment_method_added" in kinds(tenant_id)


def test_the_page_is_right_when_the_redirect_comes_first(stripe_sandbox: Sandbox, drain: Drain) -> None:
    """And again when the webhook comes after it: nothing changes, and nobody is told twice."""
    tenant_id = make_tenant()
    setup = begin(tenant_id)
    assert progress(tenant_id, setup).step == "waiting"
    stripe_sandbox.pay(str(setup.stripe_session_id))
    assert progress(tenant_id, setup).step == "waiting"
    land(tenant_id, setup)
    drain()
    assert progress(tenant_id, setup).step == "saved"
    told = kinds(tenant_id).count("payment_method_added")
    land(tenant_id, setup)
    with tenancy.bound(tenant_id):
        want(str(setup.stripe_session_id), "checkout_session")
        db.session.commit()
    drain()
    assert progress(tenant_id, setup).step == "saved"
    assert kinds(tenant_id).count("payment_method_added") == told == 1


def test_the_page_is_right_when_the_webhook_comes_first(stripe_sandbox: Sandbox, drain: Drain) -> None:
    tenant_id = make_tenant()
    setup = begin(tenant_id)
    stripe_sandbox.pay(str(setup.stripe_session_id))
    with tenancy.bound(tenant_id):
        want(str(setup.stripe_session_id), "checkout_session")
        db.session.commit()
    drain()
    assert progress(tenant_id, setup).step == "saved"
    land(tenant_id, setup)
    assert drain() == 0


def test_two_tabs_share_one_setup(stripe_sandbox: Sandbox) -> None:
    tenant_id = make_tenant()
    first, second = begin(tenant_id), begin(tenant_id)
    assert first.id == second.id
    assert second.url


def test_leaving_ends_the_session_and_a_completed_one_stays(stripe_sandbox: Sandbox, drain: Drain) -> None:
    tenant_id = make_tenant()
    setup = begin(tenant_id)
    with tenancy.bound(tenant_id):
        assert method_setups.abandon(setup.id).state == "abandoned"
    drain()
    assert progress(tenant_id, setup).step == "expired"
    method = add(tenant_id, stripe_sandbox, drain)
    assert method.detached_at is None


def test_a_lost_answer_leaves_one_session(stripe_sandbox: Sandbox, drain: Drain) -> None:
    """The answer of the session's opening is lost: the worker asks again with the same key."""
    tenant_id = make_tenant()
    failpoints.arm("stripe.portal.billing.method_sessions._open:after=raise")
    with pytest.raises((PaymentServiceUnavailable, failpoints.Injected)):
        begin(tenant_id)
    failpoints.arm("")
    drain()
    setup = begin(tenant_id)
    assert setup.state == "open"
    mine = [one for one in stripe_sandbox.listed("checkout/sessions") if one["client_reference_id"] == str(setup.id)]
    assert len(mine) == 1


def test_a_new_default_mends_the_customer_and_the_subscription(stripe_sandbox: Sandbox, drain: Drain) -> None:
    """Checkout sets the subscription's own default; a new one on the customer alone would never be charged."""
    tenant_id = make_tenant()
    buy(tenant_id, stripe_sandbox, drain)
    card = add(tenant_id, stripe_sandbox, drain)
    before = listed(tenant_id)
    assert [entry.method.last4 for entry in before] == ["4242", "4444"]
    assert before[0].is_default
    with tenancy.bound(tenant_id):
        payment_methods.make_default(card.id, actor=ACTOR)
    assert [entry.method.last4 for entry in listed(tenant_id) if entry.is_default] == ["4444"]
    drain()
    assert [entry.method.last4 for entry in listed(tenant_id) if entry.is_default] == ["4444"]
    stripe_id = card.stripe_payment_method_id
    assert at_stripe(stripe_sandbox, tenant_id) == (stripe_id, [stripe_id])
    assert kinds(tenant_id).count("payment_method_changed") == 1


def test_what_was_asked_for_last_stays(stripe_sandbox: Sandbox, drain: Drain) -> None:
    """The first wish's call is lost and done later by a worker; meanwhile another one was made the default."""
    tenant_id = make_tenant()
    buy(tenant_id, stripe_sandbox, drain)
    first = add(tenant_id, stripe_sandbox, drain)
    second = add(tenant_id, stripe_sandbox, drain, "378282246310005")
    failpoints.arm("stripe.portal.billing.method_works.set_default:before=raise")
    with tenancy.bound(tenant_id), pytest.raises((PaymentServiceUnavailable, failpoints.Injected)):
        payment_methods.make_default(first.id, actor=ACTOR)
    failpoints.arm("")
    with tenancy.bound(tenant_id):
        payment_methods.make_default(second.id, actor=ACTOR)
    drain()
    stripe_id = second.stripe_payment_method_id
    assert at_stripe(stripe_sandbox, tenant_id) == (stripe_id, [stripe_id])


def test_the_last_method_stays_while_it_is_needed(stripe_sandbox: Sandbox, drain: Drain) -> None:
    tenant_id = make_tenant()
    buy(tenant_id, stripe_sandbox, drain)
    [only] = listed(tenant_id)
    assert not only.can_remove
    with tenancy.bound(tenant_id), pytest.raises(payment_methods.LastMethod):
        payment_methods.remove(only.method.id, actor=ACTOR)
    assert at_stripe(stripe_sandbox, tenant_id)[1] == [only.method.stripe_payment_method_id]


def test_the_default_stays_until_another_takes_its_place(stripe_sandbox: Sandbox, drain: Drain) -> None:
    tenant_id = make_tenant()
    buy(tenant_id, stripe_sandbox, drain)
    card = add(tenant_id, stripe_sandbox, drain)
    default = listed(tenant_id)[0].method
    with tenancy.bound(tenant_id), pytest.raises(payment_methods.MethodInUse):
        payment_methods.remove(default.id, actor=ACTOR)
    with tenancy.bound(tenant_id):
        payment_methods.make_default(card.id, actor=ACTOR)
        payment_methods.remove(default.id, actor=ACTOR)
    assert [entry.method.last4 for entry in listed(tenant_id)] == ["4444"]
    drain()
    assert [entry.method.last4 for entry in listed(tenant_id)] == ["4444"]
    stripe_id = str(customer(tenant_id).stripe_customer_id)
    assert len(stripe_sandbox.listed(f"customers/{stripe_id}/payment_methods")) == 1


def test_the_backup_steps_back_for_the_default(stripe_sandbox: Sandbox, drain: Drain) -> None:
    tenant_id = make_tenant()
    buy(tenant_id, stripe_sandbox, drain)
    card = add(tenant_id, stripe_sandbox, drain)
    default = listed(tenant_id)[0].method
    with tenancy.bound(tenant_id):
        with pytest.raises(payment_methods.AlreadyDefault):
            payment_methods.set_backup(default.id, actor=ACTOR)
        payment_methods.set_backup(card.id, actor=ACTOR)
        payment_methods.make_default(card.id, actor=ACTOR)
    drain()
    found = {entry.method.last4: (entry.is_default, entry.is_backup) for entry in listed(tenant_id)}
    assert found == {"4444": (True, False), "4242": (False, True)}


def test_what_was_detached_at_stripe_is_gone_here(stripe_sandbox: Sandbox, drain: Drain, post) -> None:
    """No event tells of it: reading the customer again does. The backup is forgotten with it."""
    tenant_id = make_tenant()
    buy(tenant_id, stripe_sandbox, drain)
    card = add(tenant_id, stripe_sandbox, drain)
    with tenancy.bound(tenant_id):
        payment_methods.set_backup(card.id, actor=ACTOR)
    post(f"payment_methods/{card.stripe_payment_method_id}/detach")
    with tenancy.bound(tenant_id):
        want(str(db.session.get_one(Customer, tenant_id).stripe_customer_id), "customer")
        db.session.commit()
    drain()
    assert [entry.method.last4 for entry in listed(tenant_id)] == ["4242"]
    assert customer(tenant_id).backup_payment_method is None


def test_another_tenants_method_is_not_there(web: APIFlask, stripe_sandbox: Sandbox, drain: Drain) -> None:
    tenant_id, stranger = make_tenant(), make_tenant()
    card = add(tenant_id, stripe_sandbox, drain)
    with tenancy.bound(stranger):
        for verb in (payment_methods.make_default, payment_methods.set_backup, payment_methods.remove):
            with pytest.raises(NotFound):
                verb(card.id, actor=uuid4())
