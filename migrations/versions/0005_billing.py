"""Subscriptions, checkouts, invoices and what belongs to them. Every key is tenant-first."""

from alembic import op
from policies import protect

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SUBSCRIPTIONS = """
CREATE TABLE customers (
    tenant_id uuid PRIMARY KEY REFERENCES tenants (id),
    stripe_customer_id text,
    requested_at timestamptz,
    default_payment_method text,
    balance_minor bigint NOT NULL DEFAULT 0,
    synced_at timestamptz
);
CREATE TABLE subscriptions (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    stripe_subscription_id text NOT NULL,
    plan_id text NOT NULL REFERENCES plans (plan_id),
    plan_price_id uuid NOT NULL REFERENCES plan_prices (id),
    status text NOT NULL,
    currency text NOT NULL,
    unit_amount_minor bigint NOT NULL,
    quantity bigint NOT NULL DEFAULT 1,
    interval text NOT NULL,
    current_period_start timestamptz,
    current_period_end timestamptz,
    trial_end timestamptz,
    cancel_at timestamptz,
    cancel_at_period_end boolean NOT NULL DEFAULT false,
    canceled_at timestamptz,
    ended_at timestamptz,
    started_at timestamptz,
    default_payment_method text,
    latest_stripe_invoice_id text,
    superseded_reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT subscriptions_stripe_subscription_id_key UNIQUE (tenant_id, stripe_subscription_id),
    CONSTRAINT subscriptions_superseded_reason_check CHECK (superseded_reason IN ('contested', 'duplicate', 'replaced'))
);
-- One live subscription per tenant. Superseded ones wait for Stripe to confirm their end.
CREATE UNIQUE INDEX subscriptions_live_idx ON subscriptions (tenant_id)
    WHERE superseded_reason IS NULL AND status IN ('trialing', 'active', 'past_due', 'unpaid', 'paused');
CREATE TABLE checkouts (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    plan_id text NOT NULL REFERENCES plans (plan_id),
    plan_price_id uuid NOT NULL REFERENCES plan_prices (id),
    started_by uuid,
    language text NOT NULL DEFAULT 'en',
    trial_days bigint NOT NULL DEFAULT 0,
    state text NOT NULL DEFAULT 'preparing',
    stripe_session_id text,
    url text,
    expires_at timestamptz,
    stripe_subscription_id text,
    error_code text,
    closed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT checkouts_state_check
        CHECK (state IN ('preparing', 'open', 'abandoned', 'complete', 'expired', 'failed'))
);
-- One checkout under way per tenant, whatever is clicked twice or in two tabs.
CREATE UNIQUE INDEX checkouts_under_way_idx ON checkouts (tenant_id) WHERE state IN ('preparing', 'open');
CREATE UNIQUE INDEX checkouts_stripe_session_id_idx ON checkouts (tenant_id, stripe_session_id);
CREATE TABLE payment_methods (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    stripe_payment_method_id text NOT NULL,
    type text NOT NULL,
    brand text NOT NULL DEFAULT '',
    last4 text NOT NULL DEFAULT '',
    exp_month bigint,
    exp_year bigint,
    detached_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payment_methods_stripe_payment_method_id_key UNIQUE (tenant_id, stripe_payment_method_id)
);
"""

INVOICES = """
CREATE TABLE invoices (
    tenant_id uuid NOT NULL REFERENCES tenants (id),
    id uuid NOT NULL,
    stripe_invoice_id text NOT NULL,
    stripe_subscription_id text,
    subscription_id uuid,
    number text,
    status text NOT NULL,
    billing_reason text NOT NULL DEFAULT '',
    collection_method text NOT NULL DEFAULT 'charge_automatically',
    currency text NOT NULL,
    subtotal_minor bigint NOT NULL,
    discount_minor bigint NOT NULL DEFAULT 0,
    tax_minor bigint NOT NULL DEFAULT 0,
    total_minor bigint NOT NULL,
    amount_due_minor bigint NOT NULL,
    amount_paid_minor bigint NOT NULL,
    amount_remaining_minor bigint NOT NULL,
    starting_balance_minor bigint NOT NULL DEFAULT 0,
    ending_balance_minor bigint,
    discounts jsonb NOT NULL DEFAULT '[]',
    taxes jsonb NOT NULL DEFAULT '[]',
    period_start timestamptz,
    period_end timestamptz,
    issued_at timestamptz,
    due_at timestamptz,
    paid_at timestamptz,
    voided_at timestamptz,
    next_payment_attempt_at timestamptz,
    attempt_count bigint NOT NULL DEFAULT 0,
    hosted_invoice_url text,
    document_state text NOT NULL DEFAULT 'none',
    document_attempt bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    synced_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invoices_stripe_invoice_id_key UNIQUE (tenant_id, stripe_invoice_id),
    CONSTRAINT invoices_number_key UNIQUE (tenant_id, number),
    CONSTRAINT invoices_document_state_check CHECK (document_state IN ('none', 'pending', 'ready', 'failed')),
    FOREIGN KEY (tenant_id, subscription_id) REFERENCES subscriptions (tenant_id, id)
);
CREATE INDEX invoices_newest_idx ON invoices (tenant_id, created_at DESC, id DESC);
CREATE TABLE invoice_lines (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    stripe_line_id text NOT NULL,
    position bigint NOT NULL,
    description text NOT NULL DEFAULT '',
    quantity numeric,
    unit_amount numeric,
    amount_minor bigint NOT NULL,
    discount_minor bigint NOT NULL DEFAULT 0,
    tax_minor bigint NOT NULL DEFAULT 0,
    is_proration boolean NOT NULL DEFAULT false,
    period_start timestamptz,
    period_end timestamptz,
    stripe_price_id text,
    inputs jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invoice_lines_stripe_line_id_key UNIQUE (tenant_id, invoice_id, stripe_line_id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);
CREATE TABLE payments (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    stripe_invoice_payment_id text NOT NULL,
    stripe_payment_intent_id text,
    status text NOT NULL,
    amount_minor bigint NOT NULL,
    currency text NOT NULL,
    method_type text NOT NULL DEFAULT '',
    method_brand text NOT NULL DEFAULT '',
    method_last4 text NOT NULL DEFAULT '',
    failure_code text,
    paid_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT payments_stripe_invoice_payment_id_key UNIQUE (tenant_id, stripe_invoice_payment_id),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);
CREATE INDEX payments_invoice_id_idx ON payments (tenant_id, invoice_id);
CREATE TABLE invoice_documents (
    tenant_id uuid NOT NULL,
    id uuid NOT NULL,
    invoice_id uuid NOT NULL,
    kind text NOT NULL DEFAULT 'invoice',
    template_version text NOT NULL,
    language text NOT NULL,
    snapshot jsonb NOT NULL,
    content bytea NOT NULL,
    sha256 bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT invoice_documents_kind_key UNIQUE (tenant_id, invoice_id, kind),
    CONSTRAINT invoice_documents_sha256_check CHECK (sha256 = sha256(content)),
    FOREIGN KEY (tenant_id, invoice_id) REFERENCES invoices (tenant_id, id)
);
"""


def upgrade() -> None:
    op.execute(SUBSCRIPTIONS)
    op.execute(INVOICES)
    protect("customers", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
    protect("checkouts", web="SELECT, INSERT, UPDATE", worker="SELECT, INSERT, UPDATE")
    for mirrored in ("subscriptions", "payment_methods", "payments"):
        protect(mirrored, web="SELECT", worker="SELECT, INSERT, UPDATE")
    # A request may ask for a failed document once more; what Stripe owns it can only read.
    protect("invoices", web="SELECT, UPDATE (document_state, document_attempt)", worker="SELECT, INSERT, UPDATE")
    # Lines of a draft come and go until Stripe finalises it.
    protect("invoice_lines", web="SELECT", worker="SELECT, INSERT, UPDATE, DELETE")
    # Frozen once written: nobody holds UPDATE or DELETE.
    protect("invoice_documents", web="SELECT", worker="SELECT, INSERT")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
