SET LOCAL app.tenant_id = ''; SELECT * FROM tenants
SET LOCAL app.tenant_id TO DEFAULT; SELECT * FROM tenants
RESET app.tenant_id; SELECT * FROM invoices
RESET ALL; SELECT * FROM users
DISCARD ALL; SELECT * FROM tenants
SET LOCAL app.tenant_id = 'null'; SELECT * FROM tenants
SET LOCAL app.tenant_id = '%'; SELECT * FROM tenants
SET LOCAL app.tenant_id = '00000000-0000-0000-0000-000000000000'; SELECT * FROM tenants
SET LOCAL "app.tenant" = '{tenant_id}'; SELECT * FROM tenants WHERE id = '{tenant_id}'
SET LOCAL app.role = 'staff'; SELECT * FROM tenants
SET LOCAL app.staff = 'on'; SELECT * FROM users
SET LOCAL app.request_token = ''; SELECT * FROM outbox
SET LOCAL app.request_token = '00000000-0000-0000-0000-000000000000'; SELECT * FROM outbox
SET LOCAL app.user_id = ''; SELECT * FROM user_sessions
