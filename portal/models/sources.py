"""Sources of usage that we ask ourselves, and which of their tenants is which of ours."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from portal.ids import uuid7
from portal.models.base import Model, TenantOwned, Timestamped

LINK_STATES = ("linked", "unlinked", "failing")


class UsageSource(Timestamped, Model):
    """A connection to a system that knows what tenants use; ``kind`` names its file in ``portal/sources``.

    ``secret``: the key, encrypted (:mod:`portal.sources.secrets`). ``options``: further settings of the kind.
    ``key_expires_at``: when the key ends, as staff or the source itself say. ``test_outcome``: "ok" or a failure's
    code, of ``tested_at``.
    """

    __tablename__ = "usage_sources"
    __table_args__ = (
        CheckConstraint("kind ~ '^[a-z][a-z0-9_]{0,30}$'", name="kind"),
        CheckConstraint("length(name) BETWEEN 1 AND 60", name="name"),
        CheckConstraint("jsonb_typeof(options) = 'object'", name="options"),
        Index("usage_sources_name_idx", "name", unique=True),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=uuid7)
    kind: Mapped[str]
    name: Mapped[str]
    base_url: Mapped[str]
    secret: Mapped[str] = mapped_column(deferred=True)
    options: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    key_expires_at: Mapped[datetime | None]
    tested_at: Mapped[datetime | None]
    test_outcome: Mapped[str | None]
    version: Mapped[str | None]
    archived_at: Mapped[datetime | None]


class UsageSourceLink(TenantOwned, Timestamped, Model):
    """Which tenant of a source is this tenant. One of a kind at a time: two sources' levels would not add up.

    "unlinked": the source does not know it (any more), and nothing is recorded; "failing": it could not be measured,
    by ``error_code``, since ``failing_since``. ``counts_from``: the first day (UTC) whose orders and invoices count.
    ``figures``: what was recorded last, by resource.
    """

    __tablename__ = "usage_source_links"
    __table_args__ = (
        CheckConstraint("state IN ('linked', 'unlinked', 'failing')", name="state"),
        CheckConstraint("jsonb_typeof(figures) = 'object'", name="figures"),
        CheckConstraint("(state = 'linked') = (error_code IS NULL)", name="error"),
        Index(
            "usage_source_links_kind_idx", "tenant_id", "kind", unique=True, postgresql_where=text("removed_at IS NULL")
        ),
    )

    tenant_id: Mapped[UUID] = mapped_column(ForeignKey("tenants.id"), primary_key=True)
    source_id: Mapped[UUID] = mapped_column(ForeignKey("usage_sources.id"))
    kind: Mapped[str]
    external_id: Mapped[str]
    external_name: Mapped[str]
    state: Mapped[str] = mapped_column(server_default="linked")
    counts_from: Mapped[date]
    sampled_at: Mapped[datetime | None]
    figures: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    error_code: Mapped[str | None]
    failing_since: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
