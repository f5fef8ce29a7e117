INSERT INTO memberships (tenant_id, user_id, role) SELECT current_setting('app.tenant_id')::uuid, '{user_id}', 'viewer'
INSERT INTO memberships (tenant_id, user_id, role) SELECT current_setting('app.tenant_id')::uuid, '{user_id}', 'viewer'; SELECT * FROM users WHERE id = '{user_id}'
INSERT INTO memberships (tenant_id, user_id, role) SELECT '{tenant_id}', current_setting('app.user_id')::uuid, 'owner'
UPDATE memberships SET user_id = '{user_id}'; SELECT email, password_hash FROM users
UPDATE memberships SET tenant_id = '{tenant_id}'
INSERT INTO email_addresses (email, user_id) VALUES ('mine@example.com', '{user_id}')
INSERT INTO email_addresses (email, user_id) VALUES ('mine@example.com', '{user_id}'); SELECT * FROM find_user_by_email('mine@example.com')
UPDATE email_addresses SET email = 'mine@example.com' WHERE user_id = '{user_id}'
INSERT INTO user_sessions (id, token_hash, user_id, expires_at) SELECT gen_random_uuid(), '\xaa', '{user_id}', now()
INSERT INTO user_sessions (id, token_hash, user_id, tenant_id, expires_at) SELECT gen_random_uuid(), '\xab', current_setting('app.user_id')::uuid, '{tenant_id}', now()
UPDATE user_sessions SET tenant_id = '{tenant_id}'
UPDATE user_sessions SET user_id = '{user_id}'
INSERT INTO password_resets (token_hash, user_id, expires_at) VALUES ('\xac', '{user_id}', now() + interval '1 hour')
UPDATE users SET password_hash = 'x' WHERE email = '{email}'
UPDATE users SET id = '{user_id}'
UPDATE tenants SET id = '{tenant_id}'
INSERT INTO staff_members SELECT '{user_id}', 'admin'
INSERT INTO staff_members SELECT current_setting('app.user_id')::uuid, 'admin'
INSERT INTO outbox (id, tenant_id, kind, key) VALUES (gen_random_uuid(), '{tenant_id}', 'mail.send', 'x')
INSERT INTO outbox (id, tenant_id, kind, key) VALUES (gen_random_uuid(), NULL, 'subscription.end', 'x')
INSERT INTO outbox (id, tenant_id, kind, key) SELECT gen_random_uuid(), current_setting('app.tenant_id')::uuid, 'checkout.open', 'checkout.open:{checkout_id}'
INSERT INTO outbox (id, kind, key) VALUES (gen_random_uuid(), 'checkout.open', 'checkout.open:{checkout_id}')
INSERT INTO outbox (id, kind, key) VALUES (gen_random_uuid(), 'mail.send', 'x') RETURNING *
UPDATE outbox SET done_at = now() WHERE tenant_id = '{tenant_id}'
UPDATE outbox SET lease_token = NULL
DELETE FROM outbox WHERE tenant_id = '{tenant_id}'
INSERT INTO drift_findings (id, tenant_id, kind, object_id) VALUES (gen_random_uuid(), '{tenant_id}', 'x', 'y')
INSERT INTO drift_findings (id, kind, object_id) VALUES (gen_random_uuid(), 'duplicate', '{stripe_subscription_id}')
INSERT INTO stripe_customers (customer_id, tenant_id) VALUES ('cus_mine', '{tenant_id}')
UPDATE stripe_customers SET customer_id = '{customer_id}'
INSERT INTO tenant_slugs VALUES ('mine', '{tenant_id}')
UPDATE customers SET stripe_customer_id = '{customer_id}'
UPDATE checkouts SET stripe_session_id = 'x' WHERE id = '{checkout_id}'
INSERT INTO audit_entries SELECT * FROM audit_entries WHERE tenant_id = '{tenant_id}'
UPDATE audit_entries SET verb = 'x'
DELETE FROM audit_entries
DELETE FROM invoice_documents
WITH gone AS (DELETE FROM checkouts WHERE tenant_id = '{tenant_id}' RETURNING *) SELECT * FROM gone
WITH changed AS (UPDATE tenants SET name = name WHERE id = '{tenant_id}' RETURNING *) SELECT * FROM changed
UPDATE tenants t SET name = o.name FROM tenants o WHERE o.id = '{tenant_id}'
UPDATE tenants SET name = (SELECT name FROM tenants WHERE id = '{tenant_id}') WHERE id = '{tenant_id}'
DELETE FROM memberships m USING tenants t WHERE t.id = m.tenant_id AND t.id = '{tenant_id}'
COPY memberships FROM STDIN
COPY tenants FROM '/etc/passwd'
COPY tenants FROM PROGRAM 'id'
NOTIFY portal, '{tenant_id}'
LISTEN portal
SELECT pg_notify('portal', '{tenant_id}')
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename IS DISTINCT FROM current_user AND datname = current_database()
SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'checkpointer'
SELECT pg_reload_conf()
SELECT pg_rotate_logfile()
SELECT pg_switch_wal()
SELECT pg_stat_reset()
SELECT setval('invoices_id_seq', 1)
