"""A coupon's whole life: staff make it, a customer buys with it, uses another one, takes it off, staff archive both."""

from itertools import count
from typing import Any

from tests.faults.acts import posting, signing_in
from tests.faults.forks import Act, Outcome
from tests.faults.journey import Journey
from tests.support import database, people

SAVED_MINOR = 725  # a quarter of 29.00
_numbers = count(1)
_TURN = (
    "INSERT INTO outbox (id, kind, key, payload)"
    " VALUES (gen_random_uuid(), 'periodic.publish_coupons', gen_random_uuid(), '{}') RETURNING 1"
)


class Coupons(Journey):
    """Bought with ``FIRST``; then ``MORE`` on the running subscription, and off again."""

    def __post_init__(self) -> None:
        super().__post_init__()
        number = next(_numbers)
        self.first, self.more = f"FIRST-{number}", f"MORE-{number}"
        with self.world.web.app_context():
            self.keeper = people.staff("finance")
            database.dispose(self.world.web)

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            keeper = self.until("cookies", lambda: signing_in(self.keeper))
        self._make(keeper, self.first, duration="once")
        self._make(keeper, self.more, duration="forever")
        self.until(lambda _outcome: self._published() == 2, lambda: posting(self.cookies, "/language", "/account"))
        self.world.sandbox.pay(self._choose_with(self.first))
        self.settle()
        use = {"code": self.more, "saving_minor": str(SAVED_MINOR)}
        self.until(
            lambda _: self._states()[1:] == ["redeemed"], lambda: posting(self.cookies, "/coupons", "/coupons", **use)
        )
        self.settle()
        remove = f"/coupons/{self._redemptions()[1]['id']}/remove"
        self.until(lambda _: not self._discounts(), lambda: self._posting_or_settling(remove))
        self.settle()
        for code in (self.first, self.more):
            archive = f"/staff/coupons/{code}/archive"
            self.until(lambda _, code=code: self._is_archived(code), lambda: posting(keeper, archive, "/staff/coupons"))  # noqa: B023
        self.settle()

    def _make(self, keeper: Any, code: str, **terms: str) -> None:
        form = {"code": code, "name": "A coupon", "percent_off": "25", **terms}
        made = "SELECT 1 FROM coupons WHERE code = :code"
        self.until(
            lambda _: self.world.rows(made, code=code),
            lambda: posting(keeper, "/staff/coupons", "/staff/coupons", **form),
        )

    def _published(self) -> int:
        self.world.rows(_TURN)
        self.world.let_time_pass()
        self.worker_works()
        query = "SELECT 1 FROM coupons WHERE code IN (:first, :more) AND stripe_coupon_id IS NOT NULL"
        return len(self.world.rows(query, first=self.first, more=self.more))

    def _choose_with(self, code: str) -> str:
        form = {"plan_id": "starter", "interval": "month", "code": code}

        def session(_outcome: Outcome) -> Any:
            return self.checkout().get("stripe_session_id")

        return str(self.until(session, lambda: posting(self.cookies, "/checkout", "/plans", **form)))

    def _posting_or_settling(self, url: str) -> Act:
        self.settle()
        return posting(self.cookies, url, "/account")

    def _redemptions(self) -> list[dict[str, Any]]:
        return self.of_tenant(
            "SELECT id, state FROM coupon_redemptions WHERE tenant_id = :tenant AND state <> 'released' ORDER BY id"
        )

    def _states(self) -> list[str]:
        return [row["state"] for row in self._redemptions()]

    def _discounts(self) -> list[Any]:
        return list(self.of_tenant("SELECT discounts FROM subscriptions WHERE tenant_id = :tenant")[0]["discounts"])

    def _is_archived(self, code: str) -> bool:
        return bool(self.world.rows("SELECT 1 FROM coupons WHERE code = :code AND archived_at IS NOT NULL", code=code))

    def verify(self) -> None:
        """Each was redeemed once, here and at Stripe; one charge, less by the coupon; nothing runs any more."""
        self.verify_nothing_is_left()
        assert self._states() == ["redeemed", "redeemed"]
        assert [self.audited(f"coupon.{verb}") for verb in ("redeem", "removed")] == [2, 1]
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        assert [each["amount"] for each in listed("charges", customer=customer)] == [2900 - SAVED_MINOR]
        assert [each["discounts"] for each in listed("subscriptions", customer=customer)] == [[]]
        query = "SELECT code, stripe_coupon_id FROM coupons WHERE code IN (:first, :more)"
        mine = {
            row["stripe_coupon_id"]: row["code"] for row in self.world.rows(query, first=self.first, more=self.more)
        }
        known = {each["id"]: each["times_redeemed"] for each in listed("coupons")}
        assert {mine[key]: times for key, times in known.items() if key in mine} == {self.first: 1, self.more: 1}
        self.verify_mails()
