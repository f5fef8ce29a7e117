"""What is owed and found is unique within its tenant and kind: nobody can take, or feel for, another tenant's key."""

from policies import run

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# As in 0004, but apart: what is a tenant's needs that tenant bound, and what is nobody's is named.
TENANTS_KINDS = ("checkout.open", "checkout.expire", "document.render", "mail.send")
NOBODYS_KINDS = ("mail.password_reset", "mail.password_changed")


def upgrade() -> None:
    # Unique over all, a key that another tenant's SQL took first would have had its work never done.
    run("""ALTER TABLE outbox DROP CONSTRAINT outbox_key_key;
           ALTER TABLE outbox ADD CONSTRAINT outbox_key_key UNIQUE NULLS NOT DISTINCT (tenant_id, kind, key);
           DROP INDEX drift_findings_open_idx;
           CREATE UNIQUE INDEX drift_findings_open_idx ON drift_findings (tenant_id, kind, object_id)
             NULLS NOT DISTINCT WHERE resolved_at IS NULL""")
    run(f"""DROP POLICY outbox_web_insert ON outbox;
            CREATE POLICY outbox_web_insert ON outbox FOR INSERT TO {{web}} WITH CHECK (
              (tenant_id = {{tenant}} AND kind IN {TENANTS_KINDS}) OR (tenant_id IS NULL AND kind IN {NOBODYS_KINDS}));
            DROP POLICY drift_findings_web_insert ON drift_findings;
            CREATE POLICY drift_findings_web_insert ON drift_findings FOR INSERT TO {{web}} WITH CHECK (
              tenant_id = {{tenant}} OR (tenant_id IS NULL AND kind = 'parked_event'))""")


def downgrade() -> None:
    raise RuntimeError("migrations run forward only; restore a backup to go back")
