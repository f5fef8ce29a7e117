-- After `moved`: the hours, by period and resource, that are not what they were once these events had moved.
SELECT DISTINCT p.id AS period_id, m.resource_type,
    greatest(date_trunc('hour', m.counted_at, p.timezone), p.starts_at) AS bucket_at
FROM moved m
CROSS JOIN LATERAL (VALUES (m.source_id), (m.target_id)) AS touched(period_id)
JOIN usage_periods p ON p.tenant_id = %(tenant)s AND p.id = touched.period_id
