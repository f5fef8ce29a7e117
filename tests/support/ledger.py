"""All rows of a database that a purchase can touch: saved, put back, and compared in a canonical form."""

import json
import re
from collections.abc import Iterable

from sqlalchemy import create_engine, text
from sqlalchemy.pool import StaticPool

from portal.config import Settings

TABLES = (
    "audit_entries", "cancellations", "checkouts", "customers", "drift_findings", "invoice_documents", "invoice_lines",
    "invoices", "notices", "outbox", "payment_methods", "payments", "steps", "stripe_customers", "stripe_events",
    "stripe_objects", "subscriptions",
)  # fmt: skip
# What differs from one run to the next without meaning anything: times of ours, counters, leases, hashes.
VOLATILE = {
    "audit_entries": ["at", "sequence", "hash", "previous_hash", "created_at"],
    "cancellations": ["created_at", "settled_at"],
    "checkouts": ["closed_at", "created_at"],
    "customers": ["synced_at"],
    "drift_findings": ["id", "created_at", "resolved_at"],
    "invoice_documents": ["id", "content", "sha256", "created_at", "snapshot"],
    "invoice_lines": [],
    "invoices": ["synced_at"],
    "notices": ["created_at", "sent_at"],
    "outbox": ["id", "attempts", "next_at", "lease_token", "lease_until", "created_at", "done_at", "lapses", "outages"],
    "payment_methods": [],
    "payments": [],
    "steps": ["created_at"],
    "stripe_customers": ["created_at"],
    "stripe_events": ["received_at", "payload"],
    "stripe_objects": [
        "wanted",
        "seen",
        "attempts",
        "next_at",
        "lease_token",
        "lease_until",
        "seen_at",
        "lapses",
        "outages",
    ],
    "subscriptions": ["synced_at", "created_at", "next_invoice"],
}
# How often the next invoice and the periods of usage were looked at hangs on the order of the news; what was found
# does not.
_LEFT_OUT = {"outbox": " WHERE kind NOT IN ('subscription.preview', 'usage.follow')"}
# By what a row is known outside: its own id is made anew each time.
_NAMES = {
    "invoice_lines": "stripe_line_id",
    "invoices": "stripe_invoice_id",
    "notices": "kind",  # one of each, of one recipient, is told of a purchase
    "payment_methods": "stripe_payment_method_id",
    "payments": "stripe_invoice_payment_id",
    "subscriptions": "stripe_subscription_id",
}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Ledger:
    """A database's rows, seen past row-level security."""

    def __init__(self, settings: Settings) -> None:
        self._engine = create_engine(settings.role_url("owner"), poolclass=StaticPool)
        self._select = text(
            " UNION ALL ".join(
                f"SELECT '{table}' AS tab, to_jsonb(t) - CAST('{{{','.join(VOLATILE[table])}}}' AS text[]) AS row"  # noqa: S608
                f" FROM {table} t{_LEFT_OUT.get(table, '')}"
                for table in TABLES
            )
        )

    def close(self) -> None:
        self._engine.dispose()

    def save(self) -> None:
        """Remember all rows as they are now."""
        copies = "".join(f"CREATE TABLE saved.{table} AS SELECT * FROM {table};" for table in TABLES)  # noqa: S608
        self._run(f"DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved; {copies}")

    def restore(self) -> None:
        """Make all rows what they were when they were saved."""
        copies = "".join(
            f"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved.{table};"  # noqa: S608
            for table in TABLES
        )
        self._run(f"SET LOCAL session_replication_role = replica; {copies}")

    def make_due(self) -> bool:
        """Let nothing wait for its time. Returns whether something is still to be mirrored."""
        with self._engine.begin() as connection:
            open_objects = "WHERE seen < wanted AND parked_at IS NULL"
            return bool(
                connection.execute(text(f"UPDATE stripe_objects SET next_at = now() {open_objects}")).rowcount  # noqa: S608
            )

    def rows(self) -> dict[str, list[str]]:
        """The canonical form: sorted rows by table, ids of ours replaced by Stripe's."""
        found: dict[str, list[dict[str, object]]] = {table: [] for table in TABLES}
        with self._engine.begin() as connection:
            for table, row in connection.execute(self._select):
                found[table].append(row)
        names = {str(row["id"]): f"<{row[name]}>" for table, name in _NAMES.items() for row in found[table]}
        return {table: sorted(_canonical(rows, names)) for table, rows in found.items()}

    def _run(self, statements: str) -> None:
        with self._engine.begin() as connection:
            connection.exec_driver_sql(statements)


def _canonical(rows: Iterable[dict[str, object]], names: dict[str, str]) -> list[str]:
    return [_UUID.sub(lambda found: names.get(found[0], found[0]), json.dumps(row, sort_keys=True)) for row in rows]
