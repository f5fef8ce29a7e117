"""Who calls, for which companies, in which context; and what that lets them see."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from ...engine.work import Work
from ..tables import Row, Table
from .errors import OdooError, access_error, http_error, missing_error
from .schema import MODELS, ZERO, Field

_PREFIX = "_odoo."
# What a person would call a record.
_TITLES = {"account.move.line": ("name",), "res.users.apikeys": ("name",), "account.payment.register": ()}


class Env:
    """One call of one user within one transaction."""

    def __init__(self, work: Work, user: Row, context: Mapping[str, Any] | None = None) -> None:
        self.work = work
        self.user = user
        self.context = dict(context or {})
        allowed = self.context.get("allowed_company_ids") or [user["company_id"]]
        if not set(allowed) <= set(user["company_ids"]):
            raise access_error("Access to unauthorized or invalid companies.")
        self.companies: list[int] = list(allowed)

    def now(self) -> str:
        """The sandbox's time as Odoo writes it: UTC, no zone."""
        return datetime.fromtimestamp(self.work.now, UTC).strftime("%Y-%m-%d %H:%M:%S")

    def today(self) -> str:
        """The sandbox's day."""
        return self.now()[:10]

    def table(self, model: str) -> Table:
        """All rows of a model, whoever may see them."""
        return table(self.work, model)

    def rows(self, model: str) -> list[Row]:
        """The rows that the user sees in the companies of the context, in order of id."""
        self.check_access(model)
        return [row for row in self.table(model).rows() if self.sees(model, row)]

    def browse(self, model: str, ids: Iterable[int]) -> list[Row]:
        """These rows; MissingError 404 for one that is gone, AccessError 403 for one of another company."""
        self.check_access(model)
        found = []
        for row_id in ids:
            row = self.table(model).find(row_id)
            if row is None:
                raise missing_error(model, row_id, self.user["id"])
            if not self.sees(model, row):
                raise access_error(
                    f"Uh-oh! Looks like you have stumbled upon some top-secret records.\n\n{self.user['name']} "
                    f"doesn't have 'read' access to: {model} ({row_id})"
                )
            found.append(row)
        return found

    def check_access(self, model: str) -> None:
        """404 for a model that there is not, AccessError 403 for one that the user may not touch."""
        if model not in MODELS:
            raise http_error(404, "NotFound", f"the model {model!r} does not exist")
        if model in self.user.get("denied", []):
            raise access_error(f"You are not allowed to access '{model}' records.")

    def sees(self, model: str, row: Row) -> bool:
        """The companies' rule, and the one on attachments."""
        company = row.get("company_id") if model != "res.users" else None
        if company and company not in self.companies:
            return False
        if model != "ir.attachment" or self.is_admin:
            return True
        if row.get("res_model"):
            return row["res_model"] not in self.user.get("denied", [])
        return bool(row.get("create_uid") == self.user["id"])

    @property
    def is_admin(self) -> bool:
        """Whether the user has the rights of the settings."""
        return bool(self.user.get("is_admin"))

    def title(self, model: str, row: Row) -> str:
        """`display_name`."""
        for name in _TITLES.get(model, ("name",)):
            if row.get(name):
                return str(row[name])
        return "Draft Invoice (* " + str(row["id"]) + ")" if model == "account.move" else f"{model},{row['id']}"

    def value(self, model: str, row: Row, name: str) -> Any:
        """A field's value as it is kept: ids for relations, False for what is not set."""
        if name == "display_name":
            return self.title(model, row)
        if (model, name) == ("account.move", "invoice_line_ids"):
            return [line["id"] for line in lines_of(self, row["id"])]
        if (model, name) == ("account.move", "reversal_move_ids"):
            return [other["id"] for other in self.table(model).rows() if other.get("reversed_entry_id") == row["id"]]
        field = field_of(model, name)
        empty: Any = [] if field.is_many else ZERO.get(field.type, False)
        value = row.get(name)
        return empty if value is None else value


def table(work: Work, model: str) -> Table:
    """The rows of a model."""
    return Table(work, _PREFIX + model)


def field_of(model: str, name: str) -> Field:
    """The field; ValueError 500, as Odoo has it, for one that there is not."""
    field = MODELS[model].get(name)
    if field is None:
        raise unknown_field(model, name)
    return field


def unknown_field(model: str, name: str) -> OdooError:
    """What reading or writing a field that is not there ends in."""
    message = f"Invalid field {name!r} on {model!r}. (The sandbox knows: {', '.join(MODELS[model])}.)"
    return OdooError(500, "builtins.ValueError", message)


def lines_of(env: Env, move_id: int) -> list[Row]:
    """The lines of an invoice in their order."""
    lines = [line for line in env.table("account.move.line").rows() if line["move_id"] == move_id]
    return sorted(lines, key=lambda line: (line.get("sequence", 10), line["id"]))
