"""Odoo as it is, quirk by quirk, by JSON-2 and by JSON-RPC."""

from datetime import UTC, date, datetime, timedelta

import pytest

from portal.sources.base import WHOLE, Wanted
from portal.sources.errors import (
    CountsDisagree,
    KeyRefused,
    LoginNeeded,
    PermissionMissing,
    SourceError,
    UnknownTenant,
    Unreachable,
)
from portal.sources.odoo import SOURCE
from portal.sources.odoo_wire import Wire
from tests.sources.conftest import ADMIN_KEY, BOT_KEY, odoo_at

DAY = "2026-11-02"
RECORDS = {
    "companies": [{"name": "Second"}],
    "users": [{"name": "Portal", "login": "p", "share": True}, {"name": "Gone", "login": "g", "active": False},
              {"name": "Sec", "login": "s", "company_ids": [2]}],
    "res.partner": [{"name": "Somebody"}],
    "sale.order": [
        {"partner_id": 1, "state": "sale", "date_order": f"{DAY} 10:00:00", "company_id": 1, "count": 3},
        {"partner_id": 1, "state": "draft", "date_order": f"{DAY} 10:00:00", "company_id": 1},
        {"partner_id": 1, "state": "sale", "date_order": "2026-10-31 23:59:59", "company_id": 1},
        {"partner_id": 1, "state": "sale", "date_order": f"{DAY} 10:00:00", "company_id": 2, "count": 2},
    ],
    "ir.attachment": [
        {"name": "a", "file_size": 500_000_000, "res_model": "res.partner", "res_id": 1, "company_id": 1},
        {"name": "b", "file_size": 2_000_000_000, "res_model": "res.partner", "res_id": 1, "res_field": "image",
         "company_id": 1},
        {"name": "c", "file_size": 250_000_000, "res_model": "res.partner", "res_id": 1, "company_id": 2},
    ],
}  # fmt: skip


@pytest.fixture(name="odoo", params=["json-2", "json-rpc"])
def fixture_odoo(web, box, request):
    box.post("odoo/records", **RECORDS)
    return odoo_at(box, **({} if request.param == "json-2" else {"database": "odoo", "login": "admin"}))


def wanted(target, counts_from=date(2026, 11, 1)):
    return Wanted(target, counts_from, datetime(2020, 1, 1, tzinfo=UTC))


def test_one_companys_figures(odoo):
    found = SOURCE.measure(odoo, wanted("1"))
    assert {name: str(value) for name, value in found.levels.items()} == {
        "odoo_users": "2",  # the administrator and the bot: neither portal users nor archived ones
        "odoo_storage_gb": "2.500000",  # with the attachments of fields, which an empty domain hides
    }
    assert {name: len(things) for name, things in found.things.items()} == {"odoo_orders": 3, "odoo_invoices": 0}
    assert found.left_out == []


def test_the_whole_database(odoo):
    found = SOURCE.measure(odoo, wanted(WHOLE))
    assert {name: str(value) for name, value in found.levels.items()} == {
        "odoo_users": "3",
        "odoo_storage_gb": "2.750000",
    }
    assert len(found.things["odoo_orders"]) == 5


def test_invoices_count_when_posted_and_credit_notes_never(odoo, box):
    line = [[0, 0, {"name": "x", "price_unit": 29.0}]]
    moves = [{"partner_id": 1, "move_type": kind, "invoice_date": DAY, "invoice_line_ids": line}
             for kind in ("out_invoice", "out_invoice", "out_refund")]  # fmt: skip
    made = box.post("odoo/records", **{"account.move": moves})["account.move"]
    with Wire(odoo_at(box)) as wire:
        wire.call("account.move", "action_post", ids=made[1:])
    (thing,) = SOURCE.measure(odoo, wanted("1")).things["odoo_invoices"]
    assert (thing.id, thing.at) == (str(made[1]), datetime(2026, 11, 2, tzinfo=UTC))


def test_what_was_not_touched_since_is_not_read_again(odoo, box):
    late = Wanted("1", date(2026, 11, 1), datetime.now(UTC) + timedelta(days=2))
    assert SOURCE.measure(odoo, late).things == {"odoo_orders": [], "odoo_invoices": []}


def test_companies_are_listed_and_an_unknown_one_is_no_zero(odoo):
    assert [(each.id, each.name) for each in SOURCE.targets(odoo)] == [
        ("*", "*"), ("1", "My Company"), ("2", "Second"),
    ]  # fmt: skip
    with pytest.raises(UnknownTenant):
        SOURCE.measure(odoo, wanted("77"))


def test_an_ordinary_users_key_leaves_storage_out(web, box):
    box.post("odoo/records", **RECORDS)
    for options in ({}, {"database": "odoo", "login": "billing"}):
        found = SOURCE.measure(odoo_at(box, BOT_KEY, **options), wanted("1"))
        assert (set(found.levels), found.left_out) == ({"odoo_users"}, ["odoo_storage_gb"])
        with pytest.raises(PermissionMissing):  # another company's rows would be missing without a sign
            SOURCE.measure(odoo_at(box, BOT_KEY, **options), wanted("2"))
        with pytest.raises(PermissionMissing):
            SOURCE.measure(odoo_at(box, BOT_KEY, **options), wanted(WHOLE))


def test_a_model_that_may_not_be_read(web, box):
    box.post("odoo/records", users=[{"name": "D", "login": "d", "key": "d" * 40, "denied": ["sale.order"]}])
    for options in ({}, {"database": "odoo", "login": "d"}):
        with pytest.raises(PermissionMissing):
            SOURCE.measure(odoo_at(box, "d" * 40, **options), wanted("1"))


def test_keys(web, box):
    soon = {"name": "S", "login": "soon", "key": "e" * 40, "key_expires": "2099-01-05 12:00:00"}
    over = {"name": "O", "login": "over", "key": "f" * 40, "key_expires": "2020-01-01 00:00:00"}
    box.post("odoo/records", users=[soon, over])
    assert SOURCE.probe(odoo_at(box, "e" * 40)).key_expires_at == datetime(2099, 1, 5, 12, tzinfo=UTC)
    assert SOURCE.probe(odoo_at(box)).key_expires_at is None
    for options in ({}, {"database": "odoo", "login": "over"}):
        with pytest.raises(KeyRefused):
            SOURCE.probe(odoo_at(box, "f" * 40, **options))


@pytest.mark.parametrize("options", [{"database": "other"}, {"database": "other", "login": "admin"}])
def test_an_unknown_database(web, box, options):
    with pytest.raises(SourceError):
        SOURCE.probe(odoo_at(box, **options))


def test_counts_that_differ(odoo, monkeypatch):
    call = Wire.call

    def one_more(self, model, method, **given):
        found = call(self, model, method, **given)
        return found + 1 if (model, method) == ("sale.order", "search_count") else found

    monkeypatch.setattr(Wire, "call", one_more)
    with pytest.raises(CountsDisagree):
        SOURCE.measure(odoo, wanted("1"))


@pytest.mark.parametrize("mode", ["502", "500", "drop"])
def test_an_odoo_that_is_unwell(odoo, box, mode):
    box.post("odoo/mood", mode=mode)
    with pytest.raises(Unreachable):
        SOURCE.measure(odoo, wanted("1"))


def test_settings_that_cannot_go_together(box):
    with pytest.raises(LoginNeeded):
        SOURCE.check(odoo_at(box, ADMIN_KEY, login="admin"))
