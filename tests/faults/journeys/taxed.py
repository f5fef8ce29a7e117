"""Taxes: staff set a rate, a tenant says where it is and moves, is exempted and taxed again."""

from typing import Any

from tests.faults.acts import posting, signing_in
from tests.faults.journey import Journey
from tests.support import database, people

PAGE = "/staff/taxes"
RATE = {"country": "ES", "customers": "all"}
SPAIN = {"country": "ES", "line1": "Gran Vía 1", "postal_code": "28013", "city": "Madrid", "tax_id": "B12345674"}
GERMANY = {"country": "DE", "line1": "Torstraße 140", "postal_code": "10119", "city": "Berlin", "tax_id": "DE136695976"}
TAXED_MINOR = 3509  # 29.00 and 21 %


class Taxed(Journey):
    """Bought in Spain with tax, moved to Germany without; the settings are as before afterwards."""

    def __post_init__(self) -> None:
        super().__post_init__()
        with self.world.web.app_context():
            self.keeper = people.staff("finance")
            database.dispose(self.world.web)

    def live(self) -> None:
        with self.calm():
            self.sign_in()
            keeper = self.until("cookies", lambda: signing_in(self.keeper))
            self.world.rows('UPDATE installation SET issuer = issuer || \'{"country": "ES"}\' RETURNING 1')
        self._set(keeper, "rates")
        self.until(
            lambda _: self._rates(),
            lambda: posting(keeper, f"{PAGE}/rates", PAGE, **RATE, name="IVA", percentage="21"),
        )
        self._enter(SPAIN)
        self.buy()
        self.settle()
        self._enter(GERMANY)
        self._settle_until(([], "reverse"))
        tax = f"/staff/tenants/{self.person.tenant_id}/tax"
        self.until(lambda _: self._exemptions(), lambda: posting(keeper, f"{tax}/exemption", tax, reason="a charity"))
        self._settle_until(([], "exempt"))
        self.until(lambda _: not self._exemptions(), lambda: posting(keeper, f"{tax}/exemption/end", tax))
        self._settle_until(([], "reverse"))
        self._set(keeper, "unmanaged")
        self.until(lambda _: not self._rates(), lambda: posting(keeper, f"{PAGE}/rates/end", PAGE, **RATE))
        self.settle()

    def _set(self, keeper: Any, mode: str) -> None:
        held = "SELECT 1 FROM installation WHERE tax ->> 'mode' = :mode"
        self.until(
            lambda _: self.world.rows(held, mode=mode),
            lambda: posting(keeper, PAGE, PAGE, mode=mode, eu_rules="1"),
        )

    def _enter(self, details: dict[str, str]) -> None:
        reading = {"language": "en", "format_locale": "en_US", "timezone": "UTC"}
        form = {"legal_name": "Acme Corp", "email": "billing@acme.example", "copies": "", **details, **reading}
        query = "SELECT 1 FROM billing_details WHERE tenant_id = :tenant AND country = :country"
        self.until(
            lambda _: self.of_tenant(query, country=details["country"]),
            lambda: posting(self.cookies, "/billing-details", "/billing-details", **form),
        )

    def _settle_until(self, wanted: tuple[list[str], str]) -> None:
        for _round in range(4):
            self.settle()
            if self._held() == wanted:
                return
        raise AssertionError(f"taxed as {self._held()} instead of {wanted}")

    def _held(self) -> tuple[list[str], str]:
        query = """SELECT s.tax_rates, c.tax_exempt FROM subscriptions s JOIN customers c USING (tenant_id)
                   WHERE s.tenant_id = :tenant"""
        row = self.of_tenant(query)[0]
        return row["tax_rates"], row["tax_exempt"]

    def _rates(self) -> list[dict[str, Any]]:
        return self.world.rows("SELECT id FROM tax_rates WHERE retired_at IS NULL")

    def _exemptions(self) -> list[dict[str, Any]]:
        return self.of_tenant("SELECT id FROM tax_exemptions WHERE tenant_id = :tenant AND ended_at IS NULL")

    def verify(self) -> None:
        """One charge with its tax; Stripe knows the customer as the tenant entered it last, and taxes nothing."""
        self.verify_nothing_is_left()
        listed, customer = self.world.sandbox.listed, self.stripe_id()
        assert [each["amount"] for each in listed("charges", customer=customer)] == [TAXED_MINOR]
        assert [each["value"] for each in listed(f"customers/{customer}/tax_ids")] == ["DE136695976"]
        assert [each["default_tax_rates"] for each in listed("subscriptions", customer=customer)] == [[]]
        found = next(each for each in listed("customers") if each["id"] == customer)
        assert (found["address"]["city"], found["tax_exempt"]) == ("Berlin", "reverse")
        assert [self.audited(verb) for verb in ("tax.exempt", "tax.exempt.end")] == [1, 1]
        assert self.audited("billing_details.change") == 2
        self.verify_mails()
