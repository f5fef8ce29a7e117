SELECT t.name, b.* FROM tenants t LEFT JOIN billing_details b ON b.tenant_id = t.id WHERE t.id = '{tenant_id}'
SELECT * FROM invoices i JOIN invoice_lines l USING (tenant_id) WHERE i.number = '{number}'
SELECT * FROM invoices WHERE tenant_id IN (SELECT tenant_id FROM stripe_customers)
SELECT * FROM invoices UNION ALL SELECT * FROM invoices WHERE tenant_id = '{tenant_id}'
WITH all_of_them AS MATERIALIZED (SELECT * FROM payments) SELECT * FROM all_of_them WHERE tenant_id = '{tenant_id}'
WITH RECURSIVE r AS (SELECT id FROM tenants UNION SELECT m.tenant_id FROM memberships m, r) SELECT * FROM r
SELECT * FROM users u, LATERAL (SELECT * FROM memberships m WHERE m.user_id = u.id) x WHERE u.id = '{user_id}'
SELECT (SELECT name FROM tenants WHERE id = '{tenant_id}')
SELECT count(*) FILTER (WHERE tenant_id = '{tenant_id}'), max(total_minor) FROM invoices
SELECT sum(total_minor) OVER (), tenant_id FROM invoices
SELECT array_agg(number) FROM invoices
SELECT xmlelement(name x, (SELECT string_agg(name, ',') FROM tenants))
SELECT query_to_xml('SELECT * FROM tenants', true, false, '')
SELECT table_to_xml('invoices', true, false, '')
SELECT database_to_xml(true, false, '')
SELECT cursor_to_xml('nothing', 1, true, false, '')
SELECT ts_stat FROM ts_stat('SELECT to_tsvector(name) FROM tenants')
SELECT * FROM tenants TABLESAMPLE SYSTEM (100)
SELECT ctid, xmin, tableoid, * FROM invoices WHERE ctid = '(0,1)'
SELECT tableoid::regclass, * FROM invoices WHERE ctid = ANY (ARRAY(SELECT format('(%s,%s)', b, n)::tid FROM generate_series(0, 9) b, generate_series(1, 50) n))
SELECT 1 / (SELECT count(*) FROM invoices WHERE number = '{number}')
SELECT CASE WHEN (SELECT count(*) FROM tenants) > 1 THEN pg_sleep(0) END
SELECT name::int FROM tenants
SELECT number::uuid FROM invoices
SELECT 1 FROM invoices WHERE total_minor = ANY (ARRAY[76543219]) AND 1 / (total_minor - total_minor) = 1
SELECT email FROM users WHERE email = '{email}'
SELECT password_hash FROM users WHERE id = '{user_id}'
SELECT * FROM user_sessions WHERE user_id = '{user_id}'
SELECT * FROM password_resets
SELECT * FROM email_addresses WHERE email = '{email}'
SELECT * FROM tenant_slugs
SELECT * FROM staff_members
SELECT * FROM login_attempts
SELECT * FROM stripe_events WHERE payload::text LIKE '%{customer_id}%'
SELECT * FROM stripe_objects WHERE id = '{stripe_invoice_id}'
SELECT * FROM drift_findings
SELECT * FROM outbox WHERE lease_token IS NULL
SELECT * FROM outbox WHERE tenant_id = '{tenant_id}'
SELECT * FROM audit_entries WHERE tenant_id = '00000000-0000-0000-0000-000000000000'
TABLE invoices
VALUES ((SELECT email FROM users WHERE id = '{user_id}'))
DO $$ DECLARE n int; BEGIN SELECT count(*) INTO n FROM invoices WHERE number = '{number}'; RAISE EXCEPTION 'there are %', n; END $$
DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM tenants LOOP RAISE NOTICE '%', r; END LOOP; END $$
DO $$ BEGIN EXECUTE 'SELECT 1 FROM invoices WHERE number = ''{number}'''; IF FOUND THEN RAISE EXCEPTION 'found'; END IF; END $$
PREPARE p AS SELECT * FROM invoices WHERE tenant_id = $1; EXECUTE p('{tenant_id}')
DECLARE c CURSOR FOR SELECT * FROM tenants; FETCH ALL FROM c
DECLARE c SCROLL CURSOR FOR SELECT * FROM invoices WHERE tenant_id = '{tenant_id}'; MOVE FORWARD ALL FROM c; FETCH PRIOR FROM c
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM tenants; COMMIT; FETCH ALL FROM c
DECLARE c CURSOR WITH HOLD FOR SELECT * FROM users; COMMIT; BEGIN; FETCH ALL FROM c; SELECT * FROM users
SAVEPOINT s; SELECT * FROM tenants WHERE id = '{tenant_id}'; ROLLBACK TO s; SELECT * FROM tenants WHERE id = '{tenant_id}'
COMMIT; SELECT * FROM tenants
COMMIT; BEGIN; SELECT * FROM invoices; SELECT * FROM users
ROLLBACK AND CHAIN; SELECT * FROM tenants; SELECT * FROM payments
CREATE TEMP TABLE stolen AS SELECT * FROM invoices; SELECT * FROM stolen WHERE tenant_id = '{tenant_id}'
SELECT * INTO TEMP stolen FROM users; SELECT * FROM stolen
CREATE TEMP VIEW v WITH (security_barrier = false) AS SELECT * FROM users; SELECT * FROM v WHERE email LIKE '%quokka%'
CREATE TEMP VIEW v WITH (security_invoker = false) AS SELECT * FROM tenants; SELECT * FROM v
CREATE MATERIALIZED VIEW pg_temp.v AS SELECT * FROM tenants
CREATE FUNCTION pg_temp.peep(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN RAISE NOTICE '%', $1; IF $1 LIKE 'Zanz%' THEN RAISE EXCEPTION 'seen %', $1; END IF; RETURN true; END $$; SELECT * FROM tenants WHERE pg_temp.peep(name)
CREATE FUNCTION pg_temp.peep(text) RETURNS bool LANGUAGE plpgsql COST 0.0001 AS $$ BEGIN PERFORM $1::int; RETURN true; END $$; SELECT * FROM invoices WHERE pg_temp.peep(number)
CREATE FUNCTION pg_temp.eq(uuid, uuid) RETURNS bool LANGUAGE sql LEAKPROOF AS 'SELECT $1 = $2'
CREATE FUNCTION pg_temp.all_of_them() RETURNS SETOF tenants LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM public.tenants'; SELECT * FROM pg_temp.all_of_them()
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT * FROM invoices WHERE number = '{number}'
EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT * FROM users WHERE email = '{email}'
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF, BUFFERS OFF) SELECT * FROM payments WHERE invoice_id = '{invoice_id}'
COPY tenants TO STDOUT
COPY (SELECT * FROM users) TO STDOUT
COPY invoices TO '/tmp/stolen'
COPY tenants TO PROGRAM 'cat'
COPY (SELECT 1) TO PROGRAM 'id'
SELECT set_config('row_security', 'off', true); SELECT * FROM tenants
SET row_security = off; SELECT * FROM users
SET SESSION row_security = off; SELECT * FROM user_sessions
