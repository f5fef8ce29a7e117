-- What one table of usage says that another does not: events and sums of no period, ids without their event and events
-- without their id, charges of another quantity than their closed period's. What was reported since a period was charged
-- is charged later (late_at). An event's id begins with the millisecond that it was recorded at, by which its month is known.
WITH key AS (
    SELECT event_id, id, to_timestamp(('x0000' || replace(left(id::text, 13), '-', ''))::bit(64)::bigint / 1000.0)
        AS recorded_at
    FROM usage_keys WHERE tenant_id = %(tenant)s
), event AS (
    SELECT period_id, resource_type, counted_at, event_id, id FROM usage_events WHERE tenant_id = %(tenant)s
), period AS (
    SELECT id, closed_at, late_at FROM usage_periods WHERE tenant_id = %(tenant)s
), charged AS (
    SELECT DISTINCT ON (period_id, resource_type) period_id, resource_type, quantity
    FROM usage_charges WHERE tenant_id = %(tenant)s ORDER BY period_id, resource_type, number DESC
), summed AS (
    SELECT period_id, resource_type, CASE r.aggregation
        WHEN 'max' THEN max(highest)
        WHEN 'last' THEN (array_agg(latest ORDER BY latest_at DESC, latest DESC))[1]
        ELSE sum(total) END AS quantity
    FROM usage_rollups JOIN resources r USING (resource_type)
    WHERE tenant_id = %(tenant)s AND grain = 'period' GROUP BY period_id, resource_type, r.aggregation
)
SELECT 'events' AS what, period_id, resource_type AS name, min(counted_at) AS at, count(*) || ' of no period' AS said
FROM event WHERE period_id NOT IN (SELECT id FROM period) GROUP BY period_id, resource_type
UNION ALL
SELECT 'sums', period_id, resource_type || ' ' || grain, min(bucket_at), count(*) || ' of no period'
FROM (
    SELECT period_id, resource_type, grain, bucket_at FROM usage_rollups WHERE tenant_id = %(tenant)s
    UNION ALL SELECT period_id, resource_type, grain, bucket_at FROM usage_uniques WHERE tenant_id = %(tenant)s
) AS sums WHERE period_id NOT IN (SELECT id FROM period) GROUP BY period_id, resource_type, grain
UNION ALL
SELECT 'id', NULL, event_id, recorded_at, 'without its event' FROM key
WHERE NOT EXISTS (SELECT FROM event WHERE event.id = key.id AND event.event_id = key.event_id)
    AND NOT EXISTS (SELECT FROM usage_retired_months
        WHERE month = date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date)
UNION ALL
SELECT 'event', period_id, event_id, counted_at, 'without its id' FROM event
WHERE event_id IS NOT NULL AND NOT EXISTS (SELECT FROM key WHERE key.id = event.id AND key.event_id = event.event_id)
UNION ALL
SELECT 'charge', period_id, resource_type, p.closed_at,
    'of ' || charged.quantity || ' instead of ' || coalesce(summed.quantity, 0)
FROM charged JOIN period p ON p.id = period_id LEFT JOIN summed USING (period_id, resource_type)
WHERE p.closed_at IS NOT NULL AND p.late_at IS NULL AND charged.quantity <> coalesce(summed.quantity, 0)
ORDER BY 1, 2, 3
