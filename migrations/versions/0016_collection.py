"""Payment methods that a tenant adds, chooses and removes; tries to collect; where a tenant stands that owes."""

from alembic import op
from policies import protect, run

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

LEGAL = """
INSERT INTO legal_steps (machine, from_state, to_state) VALUES
    ('method_setup', '', 'preparing'),
    ('method_setup', 'preparing', 'open'), ('method_setup', 'preparing', 'complete'),
    ('method_setup', 'preparing', 'expired'), ('method_setup', 'preparing', 'failed'),
    ('method_setup', 'preparing', 'abandoned'),
    ('method_setup', 'open', 'complete'), ('method_setup', 'open', 'expired'), ('method_setup', 'open', 'abandoned'),
    ('method_setup', 'abandoned', 'complete'), ('method_setup', 'abandoned', 'expired'),
    ('method_setup', 'expired', 'complete'), ('method_setup', 'failed', 'complete'),
    ('collection', '', 'started'),
    ('collection', 'started', 'paid'), ('collection', 'started', 'processing'),
    ('collection', 'started', 'action_required'), ('collection', 'started', 'declined'),
    ('collection', 'started', 'refused'),
    ('collection', 'processing', 'paid'), ('collection', 'processing', 'declined'),
    ('collection', 'action_required', 'paid'), ('collection', 'action_required', 'processing'),
    ('standing', '', 'grace'),
    ('standing', 'good', 'grace'), ('standing', 'grace', 'restricted'), ('standing', 'restricted', 'suspended'),
    ('standing', 'suspended', 'restricted'), ('standing', 'restricted', 'grace'),
    ('standing', 'grace', 'good'), ('standing', 'restricted', 'good'), ('standing', 'suspended', 'good');
"""

METHODS = """
ALTER TABLE customers
    ADD COLUMN backup_payment_method text,
    ADD COLUMN requested_payment_method text,
    ADD COLUMN default_requested_at timestamptz;
ALTER TABLE payment_methods
    ADD COLUMN funding text NOT NULL DEFAULT '',
    ADD COLUMN bank_name text NOT NULL DEFAULT '',
    ADD COLUMN account_email text NOT NULL DEFAULT '';
CREATE TABLE method_setups (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    started_by uuid,
    language text NOT NULL DEFAULT 'en',
    currency text NOT NULL,
    machine text NOT NULL DEFAULT 'method_setup',
    state text NOT NULL,
    step_number bigint NOT NULL,
    stripe_session_id text,
    url text,
    expires_at timestamptz,
    stripe_payment_method_id text,
    error_code text,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT method_setups_machine_check CHECK (machine = 'method_setup'),
    CONSTRAINT method_setup_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED
);
-- One under way per tenant: a second click leads to the same page of Stripe's.
CREATE UNIQUE INDEX method_setups_under_way_idx ON method_setups (tenant_id) WHERE state IN ('preparing', 'open');
CREATE UNIQUE INDEX method_setups_stripe_session_id_idx ON method_setups (tenant_id, stripe_session_id);
"""

COLLECTION = """
ALTER TABLE invoices
    ADD COLUMN payment_state text NOT NULL DEFAULT '',
    ADD COLUMN failure_code text,
    ADD COLUMN overdue_since timestamptz,
    ADD CONSTRAINT invoices_payment_state_check
        CHECK (payment_state IN ('', 'processing', 'action_required', 'failed'));
-- What is owed, and since when it should have been paid: asked for on every page.
CREATE INDEX invoices_open_idx ON invoices (tenant_id, overdue_since) WHERE status = 'open';
ALTER TABLE payments ADD COLUMN intent_status text NOT NULL DEFAULT '';
CREATE TABLE collection_attempts (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    payment_method_id uuid NOT NULL,
    source text NOT NULL,
    automatic_number bigint NOT NULL,
    makes_default boolean NOT NULL DEFAULT false,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    started_by uuid,
    machine text NOT NULL DEFAULT 'collection',
    state text NOT NULL,
    step_number bigint NOT NULL,
    failure_code text,
    finished_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT collection_attempts_machine_check CHECK (machine = 'collection'),
    CONSTRAINT collection_attempts_source_check CHECK (source IN ('hand', 'backup')),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id),
    FOREIGN KEY (tenant_id, payment_method_id) REFERENCES payment_methods (tenant_id, id),
    CONSTRAINT collection_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED
);
-- One try at a time, and the backup once for each automatic try that failed.
CREATE UNIQUE INDEX collection_attempts_started_idx ON collection_attempts (tenant_id, invoice_id)
    WHERE state = 'started';
CREATE UNIQUE INDEX collection_attempts_backup_idx ON collection_attempts (tenant_id, invoice_id, automatic_number)
    WHERE source = 'backup';
CREATE INDEX collection_attempts_newest_idx ON collection_attempts (tenant_id, invoice_id, created_at DESC);
CREATE TABLE standings (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    machine text NOT NULL DEFAULT 'standing',
    state text NOT NULL,
    step_number bigint NOT NULL,
    since timestamptz NOT NULL,
    overdue_since timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT standings_tenant_id_key UNIQUE (tenant_id),
    CONSTRAINT standings_machine_check CHECK (machine = 'standing'),
    CONSTRAINT standing_step_fkey FOREIGN KEY (tenant_id, machine, id, step_number, state)
        REFERENCES steps (tenant_id, machine, object_id, number, to_state) DEFERRABLE INITIALLY DEFERRED
);
"""

SETTINGS = """
CREATE TABLE settings (
    id boolean PRIMARY KEY DEFAULT true,
    restricted_after_days bigint NOT NULL DEFAULT 7,
    suspended_after_days bigint NOT NULL DEFAULT 14,
    tries_by_hand_per_hour bigint NOT NULL DEFAULT 5,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT settings_single_check CHECK (id),
    CONSTRAINT settings_days_check CHECK (
        restricted_after_days BETWEEN 0 AND 365 AND suspended_after_days BETWEEN restricted_after_days AND 365),
    CONSTRAINT settings_tries_check CHECK (tries_by_hand_per_hour BETWEEN 1 AND 100)
);
INSERT INTO settings DEFAULT VALUES;
"""


# What pages owe; the rest is the worker's to stage.
WEB_KINDS = (
    "method_setup.open", "method_setup.expire", "payment_method.default", "payment_method.remove", "invoice.collect",
)  # fmt: skip


def upgrade() -> None:
    op.execute(LEGAL)
    op.execute(METHODS)
    op.execute(COLLECTION)
    op.execute(SETTINGS)
    protect("method_setups", web="SELECT, INSERT, UPDATE", worker="SELECT, UPDATE")
    protect("collection_attempts", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
    protect("standings", web="SELECT", worker="SELECT, INSERT, UPDATE")
    # A method that was removed is gone from the page at once, before Stripe's word comes back.
    run("GRANT UPDATE (detached_at) ON payment_methods TO {web}")
    run("CREATE POLICY payment_methods_web_update ON payment_methods FOR UPDATE TO {web}"
        " USING (tenant_id = {tenant}) WITH CHECK (tenant_id = {tenant})")  # fmt: skip
    kinds = ", ".join(f"'{kind}'" for kind in WEB_KINDS)
    run(f"CREATE POLICY outbox_web_insert_collection ON outbox FOR INSERT TO {{web}}"
        f" WITH CHECK (tenant_id = {{tenant}} AND kind IN ({kinds}))")  # fmt: skip
    run("GRANT SELECT ON settings TO {web}, {worker}, {staff}, {reader}, {backup}")
    run("GRANT UPDATE (restricted_after_days, suspended_after_days, tries_by_hand_per_hour, changed_at)"
        " ON settings TO {worker}")  # fmt: skip


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
