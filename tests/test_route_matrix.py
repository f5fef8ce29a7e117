"""Every route × every kind of person: a generated table. A new route without an entry here fails."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from apiflask import APIFlask
from sqlalchemy import text

from portal.config import Settings
from portal.ids import uuid7
from portal.models.users import MEMBER_ROLES
from portal.security.guards import guard_of
from tests.pages import rows
from tests.support import people
from tests.support.people import Browser, Person, browser

ANYBODY, SIGNED_IN, READ, BILLING, STAFF, MACHINE = "anybody", "signed in", "read", "billing", "staff", "machine"
KEEPERS, BEARER, OWNER = "staff who may write", "an API key", "owner"

# Who may use what, written down apart from the guards: the table must not follow a guard's mistake.
ROUTES = {
    "GET /": READ,
    "POST /subscription/resume": BILLING,
    "GET /subscription/cancel": BILLING,
    "POST /subscription/cancel": BILLING,
    "POST /subscription/keep": BILLING,
    "GET /plans": READ,
    "POST /checkout": BILLING,
    "GET /checkout/<uuid:checkout_id>": READ,
    "GET /checkout/<uuid:checkout_id>/back": BILLING,
    "GET /usage": READ,
    "GET /usage/export.csv": READ,
    "GET /usage/report.pdf": READ,
    "GET /coupons": READ,
    "POST /coupons": BILLING,
    "POST /coupons/<uuid:redemption_id>/remove": BILLING,
    "GET /plan-changes/new": BILLING,
    "GET /plan-changes/<uuid:plan_change_id>": READ,
    "POST /plan-changes/<uuid:plan_change_id>/confirm": BILLING,
    "POST /plan-changes/<uuid:plan_change_id>/cancel": BILLING,
    "GET /invoices": READ,
    "GET /invoices/export.csv": READ,
    "GET /invoices/<uuid:invoice_id>": READ,
    "GET /invoices/<uuid:invoice_id>/document.pdf": READ,
    "POST /invoices/<uuid:invoice_id>/document": BILLING,
    "GET /invoices/<uuid:invoice_id>/credit-notes/<uuid:credit_note_id>.pdf": READ,
    "POST /invoices/<uuid:invoice_id>/credit-notes/<uuid:credit_note_id>/document": BILLING,
    "GET /invoices/<uuid:invoice_id>/e-invoice.xml": READ,
    "GET /invoices/<uuid:invoice_id>/credit-notes/<uuid:credit_note_id>.xml": READ,
    "GET /invoices/<uuid:invoice_id>/payments/<uuid:payment_id>.pdf": READ,
    "POST /invoices/<uuid:invoice_id>/payments/<uuid:payment_id>/receipt": READ,
    "GET /usage/charges/<uuid:usage_charge_id>": READ,
    "GET /invoices/<uuid:invoice_id>/pay": BILLING,
    "POST /invoices/<uuid:invoice_id>/pay": BILLING,
    "GET /payments/<uuid:collection_attempt_id>": READ,
    "GET /payment-methods": READ,
    "POST /payment-methods": BILLING,
    "GET /payment-methods/setups/<uuid:setup_id>": READ,
    "GET /payment-methods/setups/<uuid:setup_id>/back": BILLING,
    "POST /payment-methods/<uuid:method_id>/default": BILLING,
    "POST /payment-methods/<uuid:method_id>/backup": BILLING,
    "POST /payment-methods/<uuid:method_id>/remove": BILLING,
    "POST /payment-methods/no-backup": BILLING,
    "GET /api-keys": READ,
    "POST /api-keys": OWNER,
    "POST /api-keys/<uuid:api_key_id>/revoke": OWNER,
    "GET /sign-in": ANYBODY,
    "POST /sign-in": ANYBODY,
    "POST /sign-out": SIGNED_IN,
    "GET /no-organisation": SIGNED_IN,
    "GET /forgot-password": ANYBODY,
    "POST /forgot-password": ANYBODY,
    "GET /reset-password/<token>": ANYBODY,
    "POST /reset-password/<token>": ANYBODY,
    "POST /language": ANYBODY,
    "POST /theme": ANYBODY,
    "GET /account": SIGNED_IN,
    "POST /account/preferences": SIGNED_IN,
    "POST /account/password": SIGNED_IN,
    "POST /account/sessions/<uuid:session_id>/revoke": SIGNED_IN,
    "POST /account/sessions/revoke-others": SIGNED_IN,
    "POST /tenant": SIGNED_IN,
    "GET /staff": STAFF,
    "GET /staff/tenants": STAFF,
    "GET /staff/tenants/<uuid:tenant_id>": STAFF,
    "GET /staff/coupons": STAFF,
    "POST /staff/coupons": KEEPERS,
    "POST /staff/coupons/<code>/archive": KEEPERS,
    "GET /staff/resources": STAFF,
    "POST /staff/resources": KEEPERS,
    "GET /staff/resources/<resource_type>": STAFF,
    "POST /staff/resources/<resource_type>": KEEPERS,
    "POST /staff/resources/<resource_type>/archive": KEEPERS,
    "POST /staff/resources/<resource_type>/restore": KEEPERS,
    "GET /staff/sources": STAFF,
    "POST /staff/sources": KEEPERS,
    "GET /staff/sources/<uuid:source_id>": STAFF,
    "POST /staff/sources/<uuid:source_id>": KEEPERS,
    "POST /staff/sources/<uuid:source_id>/test": KEEPERS,
    "POST /staff/sources/<uuid:source_id>/archive": KEEPERS,
    "POST /staff/sources/<uuid:source_id>/restore": KEEPERS,
    "GET /staff/sources/<uuid:source_id>/link": KEEPERS,
    "POST /staff/sources/<uuid:source_id>/link": KEEPERS,
    "POST /staff/sources/links/<uuid:link_id>/remove": KEEPERS,
    "GET /staff/terms": STAFF,
    "GET /staff/terms/<plan_id>/<resource_type>": STAFF,
    "POST /staff/terms/<plan_id>/<resource_type>": KEEPERS,
    "POST /staff/terms/<plan_id>/<resource_type>/remove": KEEPERS,
    "GET /staff/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>": STAFF,
    "POST /staff/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>/refund": KEEPERS,
    "POST /staff/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>/credit-note": KEEPERS,
    "POST /staff/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>/settle": KEEPERS,
    "GET /staff/tenants/<uuid:tenant_id>/balance": STAFF,
    "POST /staff/tenants/<uuid:tenant_id>/balance": KEEPERS,
    "POST /staff/tenants/<uuid:tenant_id>/adjustments/<uuid:adjustment_id>/approve": KEEPERS,
    "POST /staff/tenants/<uuid:tenant_id>/adjustments/<uuid:adjustment_id>/reject": KEEPERS,
    "GET /staff/adjustments": STAFF,
    "GET /staff/disputes": STAFF,
    "POST /staff/money-policy": KEEPERS,
    "GET /billing-details": READ,
    "POST /billing-details": BILLING,
    "POST /billing-details/tax": BILLING,
    "GET /staff/taxes": STAFF,
    "POST /staff/taxes": KEEPERS,
    "POST /staff/taxes/rates": KEEPERS,
    "POST /staff/taxes/rates/end": KEEPERS,
    "GET /staff/tenants/<uuid:tenant_id>/tax": STAFF,
    "POST /staff/tenants/<uuid:tenant_id>/tax/exemption": KEEPERS,
    "POST /staff/tenants/<uuid:tenant_id>/tax/exemption/end": KEEPERS,
    "GET /staff/branding": KEEPERS,
    "POST /staff/branding": KEEPERS,
    "POST /staff/branding/preview": KEEPERS,
    "GET /staff/policies": STAFF,
    "POST /staff/policies": KEEPERS,
    "GET /staff/policies/<plan_id>": STAFF,
    "POST /staff/policies/<plan_id>": KEEPERS,
    "POST /webhooks/stripe": MACHINE,
    "POST /api/v1/webhooks/stripe": MACHINE,
    "POST /api/v1/uso": BEARER,
    "POST /api/v1/usage": BEARER,
    "POST /api/v1/uso/lote": BEARER,
    "POST /api/v1/usage/batch": BEARER,
    "GET /api/v1/uso/resumen": BEARER,
    "GET /api/v1/usage/summary": BEARER,
    "GET /api/v1/uso/permiso": MACHINE,
    "GET /api/v1/usage/permission": MACHINE,
    "GET /health": MACHINE,
    "GET /metrics": MACHINE,
}
STAFF_ROLES = ("admin", "finance", "support", "read_only")
PERSONS = ("anonymous", *MEMBER_ROLES, "nowhere", *(f"staff {role}" for role in STAFF_ROLES))
# These end the session that the other requests need: asked last, each from a new browser.
ENDS_SESSION = frozenset({"POST /sign-out"})


def expected(access: str, person: str, method: str) -> str:
    """The table's cell: "in", "sign-in" (redirect), "forbidden", "no key" or "staff pages" (redirect)."""
    if access in (ANYBODY, MACHINE):
        return "in"
    if access == BEARER:  # whoever is signed in: a browser's session is no key
        return "no key"
    if person == "anonymous":
        return "sign-in"
    if access == KEEPERS:
        return "in" if person in ("staff admin", "staff finance") else "forbidden"
    if access == SIGNED_IN:
        return "in"
    if access == STAFF:
        return "in" if person.startswith("staff") else "forbidden"
    if person.startswith("staff"):
        return "staff pages" if method == "GET" else "forbidden"
    if person == "nowhere":
        return "forbidden"
    if access == OWNER:
        return "in" if person == "owner" else "forbidden"
    return "in" if access == READ or person in ("owner", "billing") else "forbidden"


def _person(name: str) -> Person | None:
    if name == "anonymous":
        return None
    if name == "nowhere":
        return people.user()
    if name.startswith("staff "):
        return people.staff(name.removeprefix("staff "))
    return people.member(role=name)


def _routes(app: APIFlask) -> set[str]:
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        for method in methods
        if method in (rule.methods or ()) and rule.endpoint != "static"
    }


def _url(route: str, made: Callable[[], object] = uuid7) -> str:
    return re.sub(r"<[^>]+>", lambda _found: str(made()), route.split(" ")[1])


def _ask(client: Browser, route: str, url: str) -> tuple[str, int]:
    method, token_page = route.split(" ")[0], "/forgot-password"
    is_machine = ROUTES[route] in (MACHINE, BEARER)
    data = {} if method == "GET" or is_machine else {"csrf_token": client.token(token_page)}
    response = client.open(url, method=method, data=data or None)
    location = response.location or ""
    if response.status_code == 401 and ROUTES[route] == BEARER:
        return "no key", response.status_code
    if response.status_code == 302 and location.startswith("/sign-in"):
        return "sign-in", response.status_code
    if response.status_code == 302 and location == "/staff" and not url.startswith("/sign-in"):
        return "staff pages", response.status_code
    return ("forbidden" if response.status_code == 403 else "in"), response.status_code


def test_every_route_has_an_entry(app: APIFlask) -> None:
    assert _routes(app) == set(ROUTES)


def test_every_guard_agrees_with_the_table(app: APIFlask) -> None:
    kinds = {
        ANYBODY: "public",
        SIGNED_IN: "signed_in",
        READ: "member",
        BILLING: "member",
        OWNER: "member",
        STAFF: "staff",
        KEEPERS: "staff",
        BEARER: "bearer",
    }
    for rule in app.url_map.iter_rules():
        guard = guard_of(app, rule.endpoint)
        for method in {"GET", "POST"} & set(rule.methods or ()):
            if guard is not None:
                access = ROUTES[f"{method} {rule.rule}"]
                assert guard.kind == kinds.get(access, "machine"), rule.rule
                roles = {BILLING: ("owner", "billing"), OWNER: ("owner",), KEEPERS: ("admin", "finance")}
                assert access == BEARER or guard.roles == roles.get(access, ()), rule.rule


@pytest.mark.parametrize("person", PERSONS)
def test_every_route_answers_every_person_as_the_table_says(app: APIFlask, person: str) -> None:
    people.prepare(app)
    somebody = _person(person)
    client = browser(app, somebody)
    found, wanted, broken = {}, {}, {}
    for route, access in sorted(ROUTES.items(), key=lambda item: item[0] in ENDS_SESSION):
        if person != "anonymous" and route == "POST /sign-in":
            continue  # replaces the person; tests/security/test_sign_in.py has it
        found[route], status = _ask(client, route, _url(route))
        wanted[route] = expected(access, person, route.split(" ")[0])
        if status >= 500 and access != MACHINE:
            broken[route] = status
    assert found == wanted
    assert broken == {}


@pytest.fixture(name="foreign")
def fixture_foreign(app: APIFlask, settings: Settings) -> dict[str, UUID]:
    """Real rows of another tenant, by the route parameter that names them."""
    people.prepare(app)
    victim = people.member()
    browser(app, victim)
    tenant_id = victim.tenant_id
    assert tenant_id is not None
    with rows.written(settings) as session:
        invoice = rows.invoice(session, tenant_id, "FOREIGN-1", stripe_invoice_id="in_foreign", document_state="failed")
        method = rows.method(session, tenant_id)
        checkout = rows.checkout(session, tenant_id, "expired")
        return {
            "api_key_id": rows.api_key(session, tenant_id).id,
            "checkout_id": checkout.id,
            "plan_change_id": rows.plan_change(session, tenant_id).id,
            "redemption_id": rows.redemption(session, rows.coupon(session), checkout).id,
            "collection_attempt_id": rows.attempt(session, invoice, method, "declined").id,
            "usage_charge_id": rows.usage_charge(session, tenant_id).id,
            "invoice_id": invoice.id,
            "method_id": method.id,
            "session_id": session.scalars(text("SELECT id FROM user_sessions")).one(),
            "setup_id": rows.method_setup(session, tenant_id, "expired").id,
        }


WITH_ID = [route for route in ROUTES if "<uuid:" in route and ROUTES[route] not in (STAFF, KEEPERS)]


@pytest.mark.parametrize("route", WITH_ID)
def test_a_foreign_id_is_answered_like_a_missing_one(app: APIFlask, foreign: dict[str, UUID], route: str) -> None:
    client = browser(app, people.member())
    parameter = route.split("<uuid:")[1].split(">")[0]
    pages = []
    for wanted in (foreign[parameter], uuid7()):
        url = _url(route, made=lambda wanted=wanted: wanted)  # type: ignore[misc]  # bound now, used at once
        method = route.split(" ")[0]
        data = {"csrf_token": client.token("/account")} if method == "POST" else None
        response = client.open(url, method=method, data=data, headers={"X-Request-ID": "the-same-request"})
        assert response.status_code == 404
        pages.append(_without_tokens(response.text.replace(str(wanted), "<id>")))
    assert pages[0] == pages[1]
    assert "in_foreign" not in pages[0]


def _without_tokens(html: str) -> str:
    """CSRF tokens are signed anew with every page."""
    for token in set(people.form_tokens(html)):
        html = html.replace(token, "")
    return html
