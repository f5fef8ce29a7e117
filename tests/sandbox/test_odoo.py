"""Odoo: both APIs with their errors, the usage metrics, and the sequence that pushes an invoice."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from sandbox.outside.odoo.seeding import ADMIN_KEY, BOT_KEY

from .conftest import Sandbox

EU = [["id", ">", 0]]


def send(sandbox: Sandbox, path: str, key: str | None = BOT_KEY, /, **body: Any) -> requests.Response:
    headers = {"Authorization": f"bearer {key}"} if key else {}
    return requests.post(f"{sandbox.url}/odoo/json/2/{path}", json=body, headers=headers, timeout=30)


def ask(sandbox: Sandbox, path: str, key: str = BOT_KEY, /, **body: Any) -> Any:
    answer = send(sandbox, path, key, **body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def refused(sandbox: Sandbox, path: str, key: str | None = BOT_KEY, /, **body: Any) -> tuple[int, str, str]:
    answer = send(sandbox, path, key, **body)
    error = answer.json()
    assert sorted(error) == ["arguments", "context", "debug", "message", "name"]
    assert error["debug"].startswith("Traceback")
    return answer.status_code, error["name"], error["message"]


@pytest.fixture
def odoo(sandbox: Sandbox) -> Sandbox:
    sandbox.control("reset")
    return sandbox


@pytest.fixture
def busy(furnished: Sandbox) -> Sandbox:
    furnished.control("snapshots/busy/restore")
    return furnished


@pytest.fixture(scope="module")
def furnished(spare: Sandbox) -> Sandbox:
    """Users, orders, invoices and attachments."""
    spare.control("reset")
    spare.control(
        "odoo/records",
        {
            "companies": [{"name": "Second", "currency": "USD"}],
            "users": [
                {"name": "Ann", "login_date": "2026-11-20 10:00:00"},
                {"name": "Old", "login_date": "2025-01-01 00:00:00"},
                {"name": "Gone", "active": False},
                {"name": "Customer", "share": True},
                {"name": "Limited", "login": "limited", "key": "limited-key", "denied": ["account.move"]},
                {"name": "Both", "login": "both", "key": "both-key", "company_ids": [1, 2]},
                {"name": "Late", "key": "late-key", "key_expires": "2020-01-01 00:00:00"},
            ],
            "res.partner": [{"name": "Acme", "ref": "T-7"}, {"name": "Other", "active": False}],
            "sale.order": [
                {"partner_id": 1, "state": "sale", "date_order": "2026-11-02 08:00:00", "count": 3},
                {"partner_id": 1, "state": "draft", "date_order": "2026-11-02 08:00:00"},
                {"partner_id": 1, "state": "sale", "date_order": "2026-10-31 23:59:59", "company_id": 2},
            ],
            "ir.attachment": [
                {"name": "avatar", "res_model": "res.partner", "res_field": "image_1920", "file_size": 1_137_646},
                {"name": "letter", "res_model": "res.partner", "res_id": 1, "file_size": 867},
            ],
            "account.move": [{"partner_id": 1, "invoice_line_ids": [[0, 0, {"name": "x", "price_unit": 10.0}]]}],
        },
    )
    spare.control("snapshots", {"name": "busy"})
    return spare


def count(sandbox: Sandbox, model: str, domain: list[Any], key: str = BOT_KEY, **more: Any) -> Any:
    return ask(sandbox, f"{model}/search_count", key, domain=domain, **more)


@pytest.mark.parametrize(
    ("model", "domain", "expected"),
    [
        ("res.users", [["share", "=", False]], 7),
        ("res.users", [["share", "=", False], ["login_date", ">=", "2026-11-01"]], 1),
        ("res.users", [["active", "in", [True, False]], ["share", "=", False]], 8),
        ("sale.order", [["state", "=", "sale"], ["date_order", ">=", "2026-11-01 00:00:00"]], 3),
        ("sale.order", [["state", "!=", "sale"]], 1),
        ("sale.order", ["|", ["state", "=", "draft"], ["state", "=", "sale"]], 4),
        ("sale.order", ["!", ["state", "=", "sale"]], 1),
        ("sale.order", [["partner_id.ref", "=", "T-7"]], 4),
        ("sale.order", [["partner_id", "ilike", "acm"]], 4),
        ("sale.order", [["partner_id", "=", 1], ["company_id", "in", [1]]], 4),
        ("res.partner", [["name", "=ilike", "a%"]], 1),
        ("res.partner", [["ref", "=", False]], 0),
        ("res.partner", [["email", "=", False]], 1),
        ("account.move", [["move_type", "=", "out_invoice"], ["state", "=", "posted"]], 0),
        ("account.move", [["invoice_date", "=", False]], 1),
    ],
)
def test_usage_is_counted(busy: Sandbox, model: str, domain: list[Any], expected: int) -> None:
    assert count(busy, model, domain) == expected


def test_an_empty_domain_hides_attachments_of_fields(busy: Sandbox) -> None:
    path, sums = "ir.attachment/formatted_read_group", ["file_size:sum", "__count"]
    assert ask(busy, path, ADMIN_KEY, domain=[], aggregates=sums)[0]["file_size:sum"] == 867
    told = ask(busy, path, ADMIN_KEY, domain=EU, aggregates=sums)
    assert told == [{"file_size:sum": 1_138_513, "__count": 2, "__extra_domain": []}]
    assert count(busy, "ir.attachment", [], "limited-key") == 1


def test_groups_by_company_and_month(busy: Sandbox) -> None:
    both = {"allowed_company_ids": [1, 2]}
    path = "sale.order/formatted_read_group"
    groups = ask(busy, path, "both-key", domain=[], groupby=["company_id"], aggregates=["__count"], context=both)
    assert [(group["company_id"], group["__count"]) for group in groups] == [([1, "My Company"], 4), ([2, "Second"], 1)]
    months = ask(busy, path, "both-key", domain=[], groupby=["date_order:month", "state"], context=both)
    assert [month["date_order:month"] for month in months] == [
        ["2026-10-01", "October 2026"],
        ["2026-11-01", "November 2026"],
        ["2026-11-01", "November 2026"],
    ]
    again = count(busy, "sale.order", months[0]["__extra_domain"], "both-key", context=both)
    assert again == 1


def test_groups_as_older_clients_ask_for_them(busy: Sandbox) -> None:
    asked = {"domain": EU, "groupby": ["company_id"]}
    new = ask(busy, "ir.attachment/formatted_read_group", ADMIN_KEY, **asked, aggregates=["file_size:sum", "__count"])
    old = ask(busy, "ir.attachment/read_group", ADMIN_KEY, **asked, fields=["file_size:sum"], lazy=False)
    assert new
    assert [(each["file_size"], each["__count"]) for each in old] == [
        (each["file_size:sum"], each["__count"]) for each in new
    ]
    assert send(busy, "ir.attachment/read_group", ADMIN_KEY, **asked, fields=[]).status_code == 501


def test_a_user_asks_for_its_own_rights(busy: Sandbox) -> None:
    for key, is_admin in ((ADMIN_KEY, True), (BOT_KEY, False)):
        mine = ask(busy, "res.users/context_get", key)["uid"]
        held = [ask(busy, "res.users/has_group", key, ids=[mine], group_ext_id=f"base.group_{name}")
                for name in ("user", "system")]  # fmt: skip
        assert held == [True, is_admin]
    assert send(busy, "res.users/has_group", BOT_KEY, ids=[1], group_ext_id="base.group_user").status_code == 501


def test_companies_are_seen_only_when_asked_for(busy: Sandbox) -> None:
    assert count(busy, "sale.order", [], "both-key") == 4
    assert count(busy, "sale.order", [], "both-key", context={"allowed_company_ids": [2]}) == 1
    alien = refused(busy, "sale.order/search_count", domain=[], context={"allowed_company_ids": [1, 2]})
    assert alien == (403, "odoo.exceptions.AccessError", "Access to unauthorized or invalid companies.")
    hidden = refused(busy, "sale.order/read", "both-key", ids=[5])
    assert hidden[:2] == (403, "odoo.exceptions.AccessError")


@pytest.mark.parametrize(
    ("path", "key", "body", "status", "name", "message"),
    [
        ("res.users/search_count", None, {"domain": []}, 401, "Unauthorized", "User not authenticated"),
        ("res.users/search_count", "wrong", {"domain": []}, 401, "Unauthorized", "Invalid apikey"),
        ("res.users/search_count", "late-key", {"domain": []}, 401, "Unauthorized", "Invalid apikey"),
        ("account.move/search_count", "limited-key", {"domain": []}, 403, "AccessError", "You are not allowed"),
        ("res.partner/_write", BOT_KEY, {}, 403, "AccessError", "Private methods"),
        ("res.users/create", BOT_KEY, {"vals_list": [{"name": "x"}]}, 403, "AccessError", "You are not allowed"),
        ("res.nothing/search", BOT_KEY, {"domain": []}, 404, "NotFound", "the model 'res.nothing' does not exist"),
        ("res.partner/dance", BOT_KEY, {}, 404, "NotFound", "The method 'res.partner.dance' does not exist"),
        ("res.partner/read", BOT_KEY, {"ids": [99]}, 404, "MissingError", "Record does not exist"),
        ("res.partner/search_count", BOT_KEY, {}, 422, "UnprocessableEntity", "missing a required argument: 'domain'"),
        ("res.partner/search_count", BOT_KEY, {"domain": [], "x": 1}, 422, "UnprocessableEntity", "got an unexpected"),
        ("res.partner/search", BOT_KEY, {"domain": [], "ids": [1]}, 422, "UnprocessableEntity", "cannot call"),
        ("res.partner/create", BOT_KEY, {"vals_list": [{}]}, 422, "ValidationError", "The operation cannot"),
        ("res.partner/search", BOT_KEY, {"domain": [["nme", "=", 1]]}, 500, "ValueError", "Invalid field res.partner"),
        ("res.partner/search", BOT_KEY, {"domain": [["name", "=="]]}, 500, "ValueError", "Domain() invalid item"),
        ("res.partner/search", BOT_KEY, {"domain": ["|", ["id", ">", 0]]}, 500, "ValueError", "Domain() malformed"),
        ("res.partner/create", BOT_KEY, {"vals_list": [{"nme": "x"}]}, 500, "ValueError", "Invalid field 'nme'"),
        ("account.move.line/create", BOT_KEY, {"vals_list": [{}]}, 501, "NotModelled", "The sandbox does not model"),
    ],
)  # fmt: skip
def test_errors_of_json_2(
    busy: Sandbox, path: str, key: str | None, body: dict[str, Any], status: int, name: str, message: str
) -> None:
    told = refused(busy, path, key, **body)
    assert (told[0], told[1].rpartition(".")[2]) == (status, name)
    assert told[2].startswith(message)


def test_odd_requests(busy: Sandbox) -> None:
    base = f"{busy.url}/odoo"
    bearer = {"Authorization": f"Bearer {BOT_KEY}"}
    unknown = {**bearer, "X-Odoo-Database": "other"}
    answer = requests.post(f"{base}/json/2/res.users/context_get", json={}, headers=unknown, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    named = {**bearer, "X-Odoo-Database": "odoo"}
    assert requests.post(f"{base}/json/2/res.users/context_get", json={}, headers=named, timeout=10).json()["uid"] == 2
    assert "Did you mean" in requests.get(f"{base}/json/2/res.users", headers=bearer, timeout=10).json()["message"]
    place = f"{base}/json/2/res.users/search_count"
    assert requests.post(place, json=[], headers=bearer, timeout=10).status_code == 400
    wrong = {**bearer, "Content-Type": "application/json"}
    assert "could not parse" in requests.post(place, data="{", headers=wrong, timeout=10).json()["message"]
    assert requests.post(place, data={"domain": "[]"}, headers=bearer, timeout=10).status_code == 415
    assert requests.get(f"{base}/web/version", timeout=10).json()["version"] == "19.0"
    assert requests.get(f"{base}/web/login", timeout=10).status_code == 404


def rpc(sandbox: Sandbox, service: str, method: str, *arguments: Any) -> Any:
    params = {"service": service, "method": method, "args": arguments}
    call = {"jsonrpc": "2.0", "method": "call", "id": 7, "params": params}
    answer = requests.post(f"{sandbox.url}/odoo/jsonrpc", json=call, timeout=10)
    assert answer.status_code == 200  # errors too
    assert answer.json()["id"] == 7
    return answer.json()


def test_json_rpc_with_its_errors_in_200(odoo: Sandbox) -> None:
    assert rpc(odoo, "common", "version")["result"]["server_version"] == "19.0"
    uid = rpc(odoo, "common", "authenticate", "odoo", "billing", BOT_KEY, {})["result"]
    assert uid == 2
    assert rpc(odoo, "common", "login", "odoo", "billing", ADMIN_KEY)["result"] is False
    gone = rpc(odoo, "common", "login", "nowhere", "billing", BOT_KEY)["error"]
    assert gone["data"]["message"] == 'database "nowhere" does not exist'
    call = ("odoo", uid, BOT_KEY, "res.partner")
    made = rpc(odoo, "object", "execute_kw", *call, "create", [{"name": "One"}])["result"]
    assert made == 1
    assert rpc(odoo, "object", "execute_kw", *call, "create", [[{"name": "Two"}]])["result"] == [2]
    domain = [["name", "like", "o"]]
    assert rpc(odoo, "object", "execute_kw", *call, "search", [domain], {"order": "name desc"})["result"] == [2]
    assert rpc(odoo, "object", "execute", *call, "search", [], 0, 1)["result"] == [1]
    assert rpc(odoo, "object", "execute_kw", *call, "write", [[1], {"ref": "T"}])["result"] is True
    assert rpc(odoo, "object", "execute_kw", *call, "read", [[1], ["ref"]])["result"] == [{"id": 1, "ref": "T"}]
    error = rpc(odoo, "object", "execute_kw", *call, "search", [[["nme", "=", 1]]])["error"]
    assert (error["code"], error["message"], error["data"]["name"]) == (200, "Odoo Server Error", "builtins.ValueError")
    denied = rpc(odoo, "object", "execute_kw", "odoo", uid, "wrong", "res.partner", "search", [[]])["error"]
    assert denied["data"]["name"] == "odoo.exceptions.AccessDenied"
    assert "not model" in rpc(odoo, "db", "list")["error"]["data"]["message"]
    broken = rpc(odoo, "object", "execute_kw", *call, "search", [])["error"]["data"]
    assert broken["name"] == "builtins.TypeError"


def invoice(sandbox: Sandbox, number: str, **more: Any) -> int:
    partner = ask(sandbox, "res.partner/create", vals_list=[{"name": "Acme", "ref": "T-7"}])[0]
    tax = ask(sandbox, "account.tax/search", domain=[["amount", "=", 21.0], ["tax_scope", "=", "service"]])[0]
    lines = [
        [0, 0, {"name": "Starter", "quantity": 1, "price_unit": 29.0, "tax_ids": [[6, 0, [tax]]]}],
        [0, 0, {"name": "Usage", "quantity": 3, "price_unit": 0.333, "discount": 10, "tax_ids": [[6, 0, [tax]]]}],
    ]
    values = {"move_type": "out_invoice", "partner_id": partner, "ref": number, "payment_reference": number}
    made: list[int] = ask(sandbox, "account.move/create", vals_list=[{**values, "invoice_line_ids": lines, **more}])
    return made[0]


def test_an_invoice_is_pushed_paid_and_credited(odoo: Sandbox) -> None:
    move = invoice(odoo, "INV-7", invoice_date="2026-11-01")
    fields = ["state", "amount_untaxed", "amount_tax", "amount_total", "payment_state", "name", "currency_id"]
    told = ask(odoo, "account.move/read", ids=[move], fields=fields)[0]
    # 29.00 + 0.90; tax by line: 6.09 + 0.19
    assert (told["amount_untaxed"], told["amount_tax"], told["amount_total"]) == (29.9, 6.28, 36.18)
    assert (told["state"], told["name"], told["currency_id"]) == ("draft", False, [1, "EUR"])
    assert ask(odoo, "account.move/write", ids=[move], vals={"name": "INV-7"}) is True
    assert ask(odoo, "account.move/action_post", ids=[move]) is False
    again = refused(odoo, "account.move/action_post", ids=[move])
    assert again == (422, "odoo.exceptions.UserError", f"The entry INV-7 (id {move}) must be in draft.")
    assert refused(odoo, "account.move/write", ids=[move], vals={"name": "INV-8"})[0] == 422
    pdf = base64.b64encode(b"%PDF-1.7").decode()
    file = {"name": "INV-7.pdf", "res_model": "account.move", "res_id": move, "datas": pdf}
    attached = ask(odoo, "ir.attachment/create", vals_list=[file])
    assert ask(odoo, "ir.attachment/read", ids=attached, fields=["file_size", "datas"])[0]["file_size"] == 8
    context = {"active_model": "account.move", "active_ids": [move], "allowed_company_ids": [1]}
    half = ask(odoo, "account.payment.register/create", vals_list=[{"amount": 6.18}], context=context)
    ask(odoo, "account.payment.register/action_create_payments", ids=half)
    state = ask(odoo, "account.move/read", ids=[move], fields=["payment_state", "amount_residual"])[0]
    assert (state["payment_state"], state["amount_residual"]) == ("partial", 30.0)
    rest = ask(odoo, "account.payment.register/create", vals_list=[{}], context=context)
    action = ask(odoo, "account.payment.register/action_create_payments", ids=rest)
    assert ask(odoo, "account.payment/read", ids=[action["res_id"]], fields=["amount", "memo"])[0]["amount"] == 30.0
    assert ask(odoo, "account.move/read", ids=[move], fields=["payment_state"])[0]["payment_state"] == "paid"
    assert refused(odoo, "account.payment.register/create", vals_list=[{}], context=context)[0] == 422
    wizard = ask(odoo, "account.move.reversal/create", vals_list=[{"reason": "gift"}], context=context)
    refund = ask(odoo, "account.move.reversal/refund_moves", ids=wizard)["res_id"]
    credit = ask(odoo, "account.move/read", ids=[refund])[0]
    assert (credit["move_type"], credit["state"], credit["amount_total"]) == ("out_refund", "draft", 36.18)
    assert (credit["reversed_entry_id"], credit["ref"]) == ([move, "INV-7"], "Reversal of: INV-7, gift")
    ask(odoo, "account.move/action_post", ids=[refund])
    name = ask(odoo, "account.move/read", ids=[refund], fields=["name"])[0]["name"]
    assert name.startswith("RINV/")
    shown = requests.get(f"{odoo.url}/odoo", timeout=10).text
    assert "INV-7" in shown
    assert "36.18 EUR" in shown
    assert BOT_KEY in shown


def test_what_a_draft_may_not_be_posted_for(odoo: Sandbox) -> None:
    empty = ask(odoo, "account.move/create", vals_list=[{"move_type": "out_invoice"}])
    message = refused(odoo, "account.move/action_post", ids=empty)[2]
    assert "'Customer' field is required" in message
    assert "add a line" in message
    first, second = invoice(odoo, "A", name="SAME"), invoice(odoo, "B", name="SAME")
    ask(odoo, "account.move/action_post", ids=[first])
    clash = refused(odoo, "account.move/action_post", ids=[second])
    assert clash[:2] == (422, "odoo.exceptions.ValidationError")
    assert ask(odoo, "account.move/read", ids=[second], fields=["state"])[0]["state"] == "draft"  # nothing half done
    assert refused(odoo, "account.move/unlink", ids=[first])[0] == 422
    assert ask(odoo, "account.move/unlink", ids=[second]) is True
    assert count(odoo, "account.move.line", [["move_id", "=", second]]) == 0
    numbered = [invoice(odoo, str(each), invoice_date="2026-11-01") for each in range(2)]
    ask(odoo, "account.move/action_post", ids=numbered)
    names = ask(odoo, "account.move/search_read", domain=[["id", "in", numbered]], fields=["name"])
    assert [row["name"] for row in names] == ["INV/2026/00001", "INV/2026/00002"]


def test_taxes_and_journals_belong_to_a_company(odoo: Sandbox) -> None:
    user = {"name": "B", "key": "b", "company_ids": [1, 2]}
    odoo.control("odoo/records", {"companies": [{"name": "Two"}], "users": [user]})
    partner = ask(odoo, "res.partner/create", vals_list=[{"name": "P"}])[0]
    line = [[0, 0, {"name": "x", "price_unit": 1.0, "tax_ids": [[6, 0, [3]]]}]]
    values = {"move_type": "out_invoice", "partner_id": partner, "invoice_line_ids": line}
    both = {"allowed_company_ids": [1, 2]}
    mixed = refused(odoo, "account.move/create", "b", vals_list=[values], context=both)
    assert mixed[2].startswith("Incompatible companies on records")
    assert refused(odoo, "account.move/create", "b", vals_list=[{**values, "journal_id": 3}])[0] == 403
    made = ask(odoo, "account.move/create", "b", vals_list=[{**values, "journal_id": 3}], context=both)
    assert ask(odoo, "account.move/read", "b", ids=made, fields=["company_id"], context=both)[0]["company_id"][0] == 2


@pytest.mark.parametrize(
    ("vat", "country", "right"),
    [
        ("ESB84005438", "ES", True), ("B84005439", "ES", False), ("12345678Z", "ES", True), ("12345678A", "ES", False),
        ("X1234567L", "ES", True), ("DE123456789", "DE", True), ("DE12345678", "DE", False),
        ("FR83404833048", "FR", True), ("anything", "US", True), ("/", "ES", True),
    ],
)  # fmt: skip
def test_vat_numbers_are_checked(odoo: Sandbox, vat: str, country: str, right: bool) -> None:
    country_id = ask(odoo, "res.country/search", domain=[["code", "=", country]])[0]
    answer = send(odoo, "res.partner/create", vals_list=[{"name": "P", "vat": vat, "country_id": country_id}])
    assert answer.status_code == (200 if right else 422)


def test_load_doubles_lines_without_ids(odoo: Sandbox) -> None:
    ask(odoo, "res.partner/load", fields=["id", "name"], data=[["acme", "Acme"]])
    columns = ["id", "move_type", "partner_id/id", "ref", "invoice_line_ids/name", "invoice_line_ids/price_unit"]
    row = [["inv_7", "out_invoice", "acme", "INV-7", "Starter", "29.00"], ["", "", "", "", "Extra", "1"]]
    first = ask(odoo, "account.move/load", fields=columns, data=row)
    assert (first["messages"], len(first["ids"])) == ([], 1)
    total = {"ids": first["ids"], "fields": ["amount_total", "invoice_line_ids"]}
    assert ask(odoo, "account.move/read", **total)[0]["amount_total"] == 30.0
    assert ask(odoo, "account.move/load", fields=columns, data=row)["ids"] == first["ids"]
    assert ask(odoo, "account.move/read", **total)[0]["amount_total"] == 60.0  # Odoo's trap
    columns = [*columns, "invoice_line_ids/id"]
    named = [["inv_8", "out_invoice", "acme", "INV-8", "Starter", "29.00", "line_1"], [*[""] * 4, "E", "1", "line_2"]]
    eighth = ask(odoo, "account.move/load", fields=columns, data=named)["ids"]
    assert ask(odoo, "account.move/load", fields=columns, data=named)["ids"] == eighth
    told = ask(odoo, "account.move/read", ids=eighth, fields=["amount_total", "invoice_line_ids"])[0]
    assert (told["amount_total"], len(told["invoice_line_ids"])) == (30.0, 2)
    failed = ask(odoo, "res.partner/load", fields=["id", "name", "country_id"], data=[["x", "X", "Atlantis"]])
    assert (failed["ids"], failed["messages"][0]["type"]) == (False, "error")
    assert count(odoo, "res.partner", [["name", "=", "X"]]) == 0


def test_keys_live_ninety_days_at_most(odoo: Sandbox) -> None:
    now = odoo.look("health")["now"]
    path = "res.users.apikeys/generate"
    far = refused(odoo, path, **new_key(BOT_KEY, "2099-01-01"))
    assert far == (422, "odoo.exceptions.ValidationError", "You cannot exceed 90.0 days.")
    assert refused(odoo, path, BOT_KEY, **new_key(BOT_KEY, None))[2] == "The API key must have an expiration date"
    assert refused(odoo, path, BOT_KEY, **new_key(ADMIN_KEY, None))[:2] == (403, "odoo.exceptions.AccessDenied")
    near = day(now + 30 * 86400)
    fresh = ask(odoo, path, BOT_KEY, **new_key(BOT_KEY, near))
    assert ask(odoo, "res.users/context_get", fresh)["uid"] == 2
    mine = ask(odoo, "res.users.apikeys/search_read", domain=[["name", "=", "next"]], fields=["expiration_date"])
    assert mine[0]["expiration_date"].startswith(near)
    odoo.control("clock", {"advance_seconds": 31 * 86400})
    assert refused(odoo, "res.users/context_get", fresh)[0] == 401
    ask(odoo, "res.users.apikeys/revoke", ADMIN_KEY, key=BOT_KEY)
    assert refused(odoo, "res.users/context_get", BOT_KEY)[0] == 401
    assert isinstance(ask(odoo, path, ADMIN_KEY, **new_key(ADMIN_KEY, None)), str)


def new_key(key: str, ends: str | None) -> dict[str, Any]:
    return {"key": key, "scope": "rpc", "name": "next", "expiration_date": ends}


def day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def test_moods_and_emptying(odoo: Sandbox) -> None:
    odoo.control("odoo/mood", {"answers": ["500", "503", "lost_answer"]})
    assert send(odoo, "res.partner/search_count", domain=[]).json()["name"] == "psycopg2.OperationalError"
    away = send(odoo, "res.partner/search_count", domain=[])
    assert (away.status_code, away.headers["Retry-After"]) == (503, "30")
    with pytest.raises(requests.ConnectionError):
        send(odoo, "res.partner/create", vals_list=[{"name": "made all the same"}])
    assert count(odoo, "res.partner", []) == 1
    requests.post(f"{odoo.url}/odoo/clear", timeout=10)
    assert count(odoo, "res.partner", []) == 0
    assert odoo.look("odoo")["records"]["res.company"] == 1
    assert odoo.look("odoo?model=res.users")["data"][0]["login"] == "billing"
    for wrong in ({"res.nothing": [{}]}, {"res.partner": [{}]}, {"users": [{"name": "x", "rank": 1}]}):
        odoo.control("odoo/records", wrong, status=400)
    ids = odoo.control("odoo/records", {"res.partner": [{"name": "P", "count": 3}]})
    assert len(ids["res.partner"]) == 3
