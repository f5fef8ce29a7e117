-- What the sums of one tenant have to be, from its events: `placed` in their buckets, `expected` added up.
WITH placed AS MATERIALIZED (
    SELECT e.period_id, e.resource_type, r.aggregation, e.quantity, e.value, g.grain, g.bucket_at, e.counted_at,
        CASE WHEN r.aggregation = 'unique' THEN '' ELSE e.source END AS source
    FROM usage_events e
    JOIN usage_periods p ON p.tenant_id = e.tenant_id AND p.id = e.period_id
    JOIN resources r ON r.resource_type = e.resource_type
    CROSS JOIN LATERAL (VALUES
        ('hour', greatest(date_trunc('hour', e.counted_at, p.timezone), p.starts_at)),
        ('day', greatest(date_trunc('day', e.counted_at, p.timezone), p.starts_at)),
        ('period', p.starts_at)
    ) AS g(grain, bucket_at)
    WHERE e.tenant_id = %(tenant)s AND p.starts_at > %(since)s AND (%(periods)s::uuid[] IS NULL OR e.period_id = ANY(%(periods)s))
), expected AS (
    SELECT period_id, resource_type, grain, bucket_at, source,
        CASE WHEN aggregation = 'unique' THEN count(DISTINCT value) ELSE sum(quantity) END AS total,
        count(*) AS events, max(quantity) AS highest, max(counted_at) AS latest_at,
        (array_agg(quantity ORDER BY counted_at DESC, quantity DESC))[1] AS latest
    FROM placed GROUP BY 1, 2, 3, 4, 5, aggregation
)
