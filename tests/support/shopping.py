"""Buying a plan in tests, at the level of verbs."""

from collections.abc import Callable
from uuid import UUID, uuid4

from portal import tenancy
from portal.billing import checkouts, tenants
from portal.models import Checkout
from tests.support.sandbox import Sandbox

ACTOR = uuid4()


def make_tenant(name: str = "Acme Corp", **more: str) -> UUID:
    """A new tenant with a slug of its own."""
    return tenants.create(name, f"t-{uuid4().hex[:12]}", "billing@acme.example", **more)


def start(tenant_id: UUID, plan: str = "starter", interval: str = "month", coupon: str = "") -> Checkout:
    """Begin to subscribe, as the plans page does."""
    with tenancy.bound(tenant_id):
        return checkouts.start(plan, interval, actor=ACTOR, language="en", coupon_code=coupon)


def land(tenant_id: UUID, checkout: Checkout) -> None:
    """Come back from Stripe's page."""
    with tenancy.bound(tenant_id):
        checkouts.refresh(checkouts.get(checkout.id))


def step(tenant_id: UUID, checkout: Checkout) -> str:
    """What the return page would show now."""
    with tenancy.bound(tenant_id):
        return checkouts.progress(checkouts.get(checkout.id)).step


def buy(tenant_id: UUID, sandbox: Sandbox, drain: Callable[[], int], plan: str = "starter") -> Checkout:
    """The whole main job: choose, pay with a good card, come back, let the worker work."""
    checkout = start(tenant_id, plan)
    sandbox.pay(str(checkout.stripe_session_id))
    land(tenant_id, checkout)
    drain()
    return checkout
