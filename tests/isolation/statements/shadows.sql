CREATE TEMP TABLE users (id uuid, email text, password_hash text, disabled_at timestamptz); SELECT * FROM find_user_by_email('{email}x')
CREATE TEMP TABLE memberships AS SELECT '{tenant_id}'::uuid AS tenant_id, '{user_id}'::uuid AS user_id; SELECT * FROM public.users WHERE id = '{user_id}'
CREATE TEMP TABLE memberships AS SELECT '{tenant_id}'::uuid AS tenant_id, '{user_id}'::uuid AS user_id; SELECT * FROM public.tenants WHERE id = '{tenant_id}'
SET LOCAL search_path = pg_temp; CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT '{email}' $$; SELECT * FROM public.find_user_by_email('nobody@example.com')
CREATE FUNCTION pg_temp.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '2000-01-01'::timestamptz $$; SET LOCAL search_path = pg_temp, pg_catalog, public; SELECT * FROM public.find_password_reset('\x00'::bytea)
CREATE FUNCTION pg_temp.current_setting(text, bool) RETURNS text LANGUAGE sql AS $$ SELECT '{tenant_id}' $$; SET LOCAL search_path = pg_temp, pg_catalog, public; SELECT * FROM public.tenants
CREATE FUNCTION pg_temp.uuid_eq(uuid, uuid) RETURNS bool LANGUAGE sql AS 'SELECT true'; SET LOCAL search_path = pg_temp, public; SELECT * FROM public.invoices
CREATE OPERATOR pg_temp.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = uuid_ne); SET LOCAL search_path = pg_temp, pg_catalog, public; SELECT * FROM public.tenants
