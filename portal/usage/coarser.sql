-- What some days hold, from their hours, or a whole period, from its days. Sums, the highest and the latest value of
-- parts are those of the whole; different values are not, so that each part keeps its own.
WITH dirty AS MATERIALIZED (
    SELECT d.*, p.starts_at, p.timezone, d.bucket_at + %(length)s::interval AS until
    FROM unnest(%(periods)s::uuid[], %(resources)s::text[], %(buckets)s::timestamptz[])
        AS d(period_id, resource_type, bucket_at)
    JOIN usage_periods p ON p.tenant_id = %(tenant)s AND p.id = d.period_id
), parts AS (
    SELECT d.period_id, d.resource_type, d.bucket_at, r.aggregation, f.source, f.total, f.events, f.highest, f.latest,
        f.latest_at
    FROM dirty d JOIN resources r USING (resource_type)
    JOIN usage_rollups f ON f.tenant_id = %(tenant)s AND f.period_id = d.period_id
        AND f.resource_type = d.resource_type AND f.grain = %(finer)s
        AND f.bucket_at >= d.bucket_at AND f.bucket_at < d.until
    WHERE %(grain)s = 'period' OR greatest(date_trunc('day', f.bucket_at, d.timezone), d.starts_at) = d.bucket_at
), seen AS (
    SELECT DISTINCT d.period_id, d.resource_type, d.bucket_at, f.value
    FROM dirty d
    JOIN usage_uniques f ON f.tenant_id = %(tenant)s AND f.period_id = d.period_id
        AND f.resource_type = d.resource_type AND f.grain = %(finer)s
        AND f.bucket_at >= d.bucket_at AND f.bucket_at < d.until
    WHERE %(grain)s = 'period' OR greatest(date_trunc('day', f.bucket_at, d.timezone), d.starts_at) = d.bucket_at
)
