CREATE TABLE mine (x int)
CREATE TABLE public.copied AS SELECT * FROM tenants
CREATE SCHEMA mine
CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'
CREATE OR REPLACE FUNCTION find_user_by_email(wanted text) RETURNS TABLE (user_id uuid, password_hash text, disabled_at timestamptz, staff_role text) LANGUAGE sql AS 'SELECT NULL, NULL, NULL, NULL'
ALTER FUNCTION find_user_by_email(text) SECURITY INVOKER
ALTER FUNCTION find_user_by_email(text) RESET search_path
ALTER FUNCTION find_user_by_email(text) OWNER TO CURRENT_USER
DROP FUNCTION find_user_by_email(text)
CREATE OPERATOR public.= (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq)
CREATE CAST (text AS uuid) WITH INOUT AS IMPLICIT
CREATE EXTENSION dblink
CREATE EXTENSION file_fdw
CREATE EXTENSION pageinspect
CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw
CREATE LANGUAGE plpython3u
CREATE EVENT TRIGGER t ON ddl_command_start EXECUTE FUNCTION f()
CREATE PUBLICATION p FOR ALL TABLES
CREATE SUBSCRIPTION s CONNECTION 'host=192.0.2.1' PUBLICATION p
CREATE STATISTICS public.s ON tenant_id, number FROM invoices
CREATE INDEX spy ON invoices (number) WHERE number = '{number}'
CREATE VIEW public.v AS SELECT * FROM tenants
CREATE TYPE public.t AS ENUM ('x')
CREATE DATABASE mine TEMPLATE template0
ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY
ALTER TABLE invoices ADD COLUMN spy text
ALTER TABLE invoices DROP CONSTRAINT invoices_pkey
ALTER TABLE invoices DISABLE TRIGGER ALL
ALTER POLICY tenants_web_select ON tenants USING (true)
DROP POLICY invoices_web_select ON invoices
ALTER TABLE invoices RENAME TO hers
ALTER TABLE invoices SET SCHEMA pg_temp
COMMENT ON TABLE tenants IS 'x'
ANALYZE invoices; SELECT * FROM pg_stats WHERE tablename = 'invoices'
VACUUM FULL invoices
CLUSTER invoices USING invoices_pkey
REINDEX TABLE invoices
REFRESH MATERIALIZED VIEW v
LOCK TABLE invoices IN ACCESS EXCLUSIVE MODE
LOCK TABLE subscriptions IN SHARE MODE
LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE
LOCK TABLE stripe_events IN ACCESS SHARE MODE
LOAD 'auto_explain'
SET session_replication_role = replica
SET LOCAL log_min_messages = debug5
PREPARE TRANSACTION 'kept'
CHECKPOINT
