SELECT * FROM pg_stats WHERE schemaname = 'public'
SELECT most_common_vals FROM pg_stats WHERE tablename = 'invoices'
SELECT histogram_bounds FROM pg_stats WHERE tablename = 'users' AND attname = 'email'
SELECT * FROM pg_statistic
SELECT stavalues1 FROM pg_statistic WHERE starelid = 'tenants'::regclass
SELECT * FROM pg_statistic_ext_data
SELECT * FROM pg_stats_ext
SELECT * FROM pg_stats_ext_exprs
SELECT rolname, rolpassword FROM pg_authid
SELECT * FROM pg_shadow
SELECT * FROM pg_user_mappings
SELECT * FROM pg_subscription
SELECT * FROM pg_largeobject
SELECT * FROM pg_hba_file_rules
SELECT * FROM pg_file_settings
SELECT name, setting FROM pg_settings WHERE name LIKE '%directory' AND setting <> ''
SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%{number}%'
SELECT * FROM pg_stat_statements
SELECT * FROM pg_prepared_statements
SELECT * FROM pg_prepared_xacts
SELECT * FROM pg_cursors
SELECT * FROM pg_publication_tables
SELECT * FROM pg_replication_slots
SELECT get_raw_page('invoices', 0)
SELECT * FROM heap_page_items(get_raw_page('invoices', 0))
SELECT * FROM bt_page_items('invoices_pkey', 1)
SELECT * FROM pg_visibility('invoices')
SELECT pg_read_file('postgresql.conf')
SELECT pg_read_binary_file(pg_relation_filepath('invoices'))
SELECT pg_ls_dir('.')
SELECT pg_stat_file('base')
SELECT pg_ls_waldir()
SELECT lo_import('/etc/passwd')
SELECT lo_export(1, '/tmp/stolen')
SELECT lo_get(1)
SELECT loread(1, 1)
SELECT pg_logical_slot_get_changes('s', NULL, NULL)
SELECT pg_create_logical_replication_slot('s', 'test_decoding')
SET TRANSACTION SNAPSHOT '00000003-0000001B-1'; SELECT * FROM tenants WHERE id = '{tenant_id}'
SELECT currval('invoices_id_seq')
SELECT lastval()
SELECT last_value FROM pg_sequences
SELECT * FROM dblink('dbname=postgres', 'SELECT 1') AS t (x int)
SELECT dblink_connect('dbname=' || current_database())
