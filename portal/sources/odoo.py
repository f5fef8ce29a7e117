"""Odoo: what a company in it, or a whole database, uses. Quirks: docs/adr/0023.

Each count is made twice: once by Odoo, and once here from the rows that it gives, each of which has to fulfil the
conditions by itself. Orders and invoices count by their own ids, each once for ever.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from portal.i18n import lazy_gettext as _
from portal.sources.base import MOST_TARGETS, WHOLE, Connection, Measured, Probe, Setting, Source, Target, Thing, Wanted
from portal.sources.errors import (
    BadSecret,
    CountsDisagree,
    LoginNeeded,
    PermissionMissing,
    SourceError,
    TooMuch,
    UnknownTenant,
    Unreadable,
)
from portal.sources.odoo_wire import ModelMissing, Wire

_PAGE = 2000
_MOST_ROWS = 20_000
_BYTES_OF_GB = Decimal(10**9)
_FINE = Decimal("0.000001")
_SECONDS = "%Y-%m-%d %H:%M:%S"
_HAS_GROUP_IDS_SINCE = 18


@dataclass(frozen=True)
class _Scope:
    """Whose rows: one company's, or all that the user may see (``company_id`` is None)."""

    company_id: int | None
    context: Mapping[str, Any]

    def domain(self, field: str = "company_id", operator: str = "=") -> list[Any]:
        if self.company_id is None:
            return []
        return [[field, operator, [self.company_id] if operator == "in" else self.company_id]]

    def holds(self, value: Any) -> bool:
        """Whether a row's company, [id, name], or companies, a list of ids, are of this scope."""
        return self.company_id is None or (isinstance(value, list) and self.company_id in value)


class Odoo:
    """Odoo from 19 on by JSON-2; 14 to 18 by JSON-RPC, when a login is given. The key takes the password's place."""

    kind = "odoo"
    label = "Odoo"
    settings: Sequence[Setting] = (
        Setting("database", _("Database"), _("Empty: the server has one only. Needed before Odoo 19.")),
        Setting("login", _("Login"), _("Only before Odoo 19: whose key it is.")),
    )
    resources: Sequence[str] = ("odoo_users", "odoo_storage_gb", "odoo_orders", "odoo_invoices")

    def check(self, connection: Connection) -> None:
        if connection.options.get("login") and not connection.options.get("database"):
            raise LoginNeeded
        if not connection.secret.isascii():  # goes into a header
            raise BadSecret

    def probe(self, connection: Connection) -> Probe:
        with _spoken(connection) as wire:
            version = wire.version()
            wire.call("res.users", "search_count", domain=[["share", "=", False]])
            return Probe(version, _end_of_key(wire))

    def targets(self, connection: Connection) -> Sequence[Target]:
        with _spoken(connection) as wire:
            found = wire.call("res.company", "search_read", domain=[], fields=["name"], limit=MOST_TARGETS)
            companies = [Target(str(row["id"]), str(row["name"])) for row in found]
            return [Target(WHOLE, WHOLE), *companies]

    def measure(self, connection: Connection, wanted: Wanted) -> Measured:
        with _spoken(connection) as wire:
            wire.version()
            scope = _scope(wire, wanted.target_id)
            try:
                return _measured(wire, scope, wanted)
            except CountsDisagree:  # something may have come or gone in between
                return _measured(wire, scope, wanted)


def _measured(wire: Wire, scope: _Scope, wanted: Wanted) -> Measured:
    levels = {"odoo_users": _users(wire, scope)}
    left_out = []
    if _is_administrator(wire):
        levels["odoo_storage_gb"] = _storage(wire, scope)
    else:  # everybody else sees a part of the attachments, and nothing says so
        left_out.append("odoo_storage_gb")
    things: dict[str, Sequence[Thing]] = {}
    finders: tuple[tuple[str, Callable[[Wire, _Scope, Wanted], Sequence[Thing]]], ...] = (
        ("odoo_orders", _orders),
        ("odoo_invoices", _invoices),
    )
    for resource, find in finders:
        try:
            things[resource] = find(wire, scope, wanted)
        except ModelMissing:  # the app is not installed
            left_out.append(resource)
    return Measured(levels, things, left_out)


def _scope(wire: Wire, target_id: str) -> _Scope:
    """Raises :class:`UnknownTenant` for a company that is gone, :class:`PermissionMissing` for one that is not ours."""
    me = wire.call("res.users", "search_read", domain=[["id", "=", wire.user_id()]], fields=["company_ids"])
    mine = [int(each) for each in me[0]["company_ids"]] if me else []
    if target_id == WHOLE:
        if wire.call("res.company", "search_count", domain=[]) != len(mine):
            raise PermissionMissing  # the companies that the user is not in would be missing without a sign
        return _Scope(None, {"allowed_company_ids": mine})
    company_id = int(target_id)
    if not wire.call("res.company", "search_count", domain=[["id", "=", company_id]]):
        raise UnknownTenant
    if company_id not in mine:
        raise PermissionMissing
    return _Scope(company_id, {"allowed_company_ids": [company_id]})


def _users(wire: Wire, scope: _Scope) -> Decimal:
    """Active internal users; portal users are shared ones."""
    domain = [["share", "=", False], *scope.domain("company_ids", "in")]
    rows = _rows(wire, "res.users", domain, ["share", "active", "company_ids"], scope)
    held = [row for row in rows if row["active"] and not row["share"] and scope.holds(row["company_ids"])]
    return Decimal(_agreed(wire, "res.users", domain, scope, len(held)))


def _storage(wire: Wire, scope: _Scope) -> Decimal:
    """Gigabytes of attachments. With an empty domain those of fields, most of the bytes, are hidden."""
    domain = [["id", ">", 0], *scope.domain()]
    total, number = 0, 0
    for size, count, company in _groups(wire, domain, scope):
        if not scope.holds(company):
            raise CountsDisagree
        total, number = total + size, number + count
    _agreed(wire, "ir.attachment", domain, scope, number)
    return (Decimal(total) / _BYTES_OF_GB).quantize(_FINE)


def _groups(wire: Wire, domain: list[Any], scope: _Scope) -> Iterator[tuple[int, int, Any]]:
    """Bytes, number and company of each company's attachments; before 19 the method has another name and shape."""
    asked: dict[str, Any] = {"domain": domain, "groupby": ["company_id"], "context": scope.context}
    if wire.is_old:
        found = wire.call("ir.attachment", "read_group", **asked, fields=["file_size:sum"], lazy=False)
    else:
        found = wire.call("ir.attachment", "formatted_read_group", **asked, aggregates=["file_size:sum", "__count"])
    size = "file_size" if wire.is_old else "file_size:sum"
    for row in found:
        company = row["company_id"]
        yield int(row[size] or 0), int(row["__count"]), company[:1] if isinstance(company, list) else company


def _orders(wire: Wire, scope: _Scope, wanted: Wanted) -> Sequence[Thing]:
    """Confirmed orders; "done" is what a locked one was called before Odoo 17."""
    states = ["sale", "done"] if wire.major < 17 else ["sale"]
    domain = [
        ["state", "in", states], ["date_order", ">=", f"{wanted.counts_from} 00:00:00"],
        ["write_date", ">=", wanted.since.strftime(_SECONDS)], *scope.domain(),
    ]  # fmt: skip
    return _things(wire, "sale.order", domain, "date_order", scope, wanted, lambda row: row["state"] in states)


def _invoices(wire: Wire, scope: _Scope, wanted: Wanted) -> Sequence[Thing]:
    """Posted invoices to customers; credit notes are of another type."""
    domain = [
        ["move_type", "=", "out_invoice"], ["state", "=", "posted"],
        ["invoice_date", ">=", wanted.counts_from.isoformat()],
        ["write_date", ">=", wanted.since.strftime(_SECONDS)], *scope.domain(),
    ]  # fmt: skip
    return _things(
        wire, "account.move", domain, "invoice_date", scope, wanted,
        lambda row: (row["move_type"], row["state"]) == ("out_invoice", "posted"), extra=("move_type",),
    )  # fmt: skip


def _things(
    wire: Wire,
    model: str,
    domain: list[Any],
    when: str,
    scope: _Scope,
    wanted: Wanted,
    fits: Callable[[Mapping[str, Any]], bool],
    extra: Sequence[str] = (),
) -> Sequence[Thing]:
    rows = _rows(wire, model, domain, ["state", when, "company_id", *extra], scope)
    found = [
        Thing(str(row["id"]), _moment(row[when]))
        for row in rows
        if fits(row) and scope.holds((row["company_id"] or [])[:1]) and _moment(row[when]).date() >= wanted.counts_from
    ]
    _agreed(wire, model, domain, scope, len(found))
    return found


def _rows(wire: Wire, model: str, domain: list[Any], fields: list[str], scope: _Scope) -> list[dict[str, Any]]:
    """All rows, by pages; each once, however they move between two pages."""
    found: dict[int, dict[str, Any]] = {}
    for offset in range(0, _MOST_ROWS, _PAGE):
        page = wire.call(
            model, "search_read", domain=domain, fields=fields, offset=offset, limit=_PAGE, order="id",
            context=scope.context,
        )  # fmt: skip
        found |= {row["id"]: row for row in page}
        if len(page) < _PAGE:
            return list(found.values())
    raise TooMuch


def _agreed(wire: Wire, model: str, domain: list[Any], scope: _Scope, counted: int) -> int:
    """What we counted, if Odoo counts the same."""
    if wire.call(model, "search_count", domain=domain, context=scope.context) != counted:
        raise CountsDisagree
    return counted


def _is_administrator(wire: Wire) -> bool:
    """Whether the key's user has the rights of the settings."""
    group = "base.group_system"
    if wire.is_old and wire.major < _HAS_GROUP_IDS_SINCE:
        return bool(wire.call("res.users", "has_group", group_ext_id=group))
    return bool(wire.call("res.users", "has_group", ids=[wire.user_id()], group_ext_id=group))


def _end_of_key(wire: Wire) -> datetime | None:
    """When the key ends, where its user has one key only: which of several it is, Odoo does not tell."""
    try:
        mine = [["user_id", "=", wire.user_id()]]
        found = wire.call("res.users.apikeys", "search_read", domain=mine, fields=["expiration_date"])
    except SourceError:  # not everybody may read them
        return None
    if len(found) != 1 or not found[0]["expiration_date"]:
        return None
    return _moment(found[0]["expiration_date"])


def _moment(text: Any) -> datetime:
    """A date or a time as Odoo writes it: UTC, without a zone."""
    return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)


@contextmanager
def _spoken(connection: Connection) -> Iterator[Wire]:
    """A wire; an answer of another shape than Odoo's is unreadable."""
    with Wire(connection) as wire:
        try:
            yield wire
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise Unreadable from error


SOURCE: Source = Odoo()
