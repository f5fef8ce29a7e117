"""What was said to whom, and who did what."""

from alembic import op
from policies import protect

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE notices (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    object_id text NOT NULL,
    step text NOT NULL DEFAULT '',
    channel text NOT NULL,
    recipient text NOT NULL,
    language text NOT NULL,
    params jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'staged',
    error text,
    sent_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT notices_once_key UNIQUE (tenant_id, kind, object_id, step, channel, recipient),
    CONSTRAINT notices_state_check CHECK (state IN ('staged', 'sent', 'failed', 'overtaken'))
);
-- No foreign key to tenants: the platform's own chain has the nil UUID.
CREATE TABLE audit_entries (
    tenant_id uuid NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id text NOT NULL DEFAULT '',
    impersonator_id text NOT NULL DEFAULT '',
    verb text NOT NULL,
    object_kind text NOT NULL,
    object_id text NOT NULL,
    before jsonb,
    after jsonb,
    request_id text NOT NULL DEFAULT '',
    previous_hash bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (tenant_id, sequence)
);
"""


def upgrade() -> None:
    op.execute(TABLES)
    protect("notices", web="SELECT, INSERT", worker="SELECT, INSERT, UPDATE")
    # Append-only: no role of the running portal may change or remove an entry.
    protect("audit_entries", web="SELECT, INSERT", worker="SELECT, INSERT")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
