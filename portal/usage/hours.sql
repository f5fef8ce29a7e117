-- What some hours hold, from their events: the clock's hour, from where the period begins.
WITH dirty AS MATERIALIZED (
    SELECT d.*, p.starts_at, p.timezone
    FROM unnest(%(periods)s::uuid[], %(resources)s::text[], %(buckets)s::timestamptz[])
        AS d(period_id, resource_type, bucket_at)
    JOIN usage_periods p ON p.tenant_id = %(tenant)s AND p.id = d.period_id
), placed AS MATERIALIZED (
    SELECT d.period_id, d.resource_type, d.bucket_at, r.aggregation, e.value, e.counted_at, e.quantity,
        CASE WHEN r.aggregation = 'unique' THEN '' ELSE e.source END AS source
    FROM dirty d JOIN resources r ON r.resource_type = d.resource_type
    CROSS JOIN LATERAL (
        SELECT counted_at, quantity, source, value FROM usage_events
        WHERE tenant_id = %(tenant)s AND period_id = d.period_id AND resource_type = d.resource_type
            AND counted_at >= d.bucket_at AND counted_at < d.bucket_at + interval '1 hour'
        OFFSET 0  -- hour by hour in the index, instead of all events once
    ) AS e
    WHERE greatest(date_trunc('hour', e.counted_at, d.timezone), d.starts_at) = d.bucket_at
), parts AS (
    SELECT period_id, resource_type, bucket_at, aggregation, source, quantity AS total, 1 AS events,
        quantity AS highest, quantity AS latest, counted_at AS latest_at
    FROM placed
), seen AS (
    SELECT DISTINCT period_id, resource_type, bucket_at, value FROM placed WHERE aggregation = 'unique'
)
