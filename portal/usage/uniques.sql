-- The values that were seen of what counts different ones, beside those of the events that are there (sums.sql).
, wanted AS (
    SELECT DISTINCT period_id, resource_type, grain, bucket_at, value FROM placed WHERE aggregation = 'unique'
), seen AS (
    SELECT period_id, resource_type, grain, bucket_at, value FROM usage_uniques WHERE tenant_id = %(tenant)s
        AND period_id IN (SELECT id FROM usage_periods WHERE tenant_id = %(tenant)s AND starts_at > %(since)s)
)
SELECT 'values' AS what, period_id, resource_type || ' ' || grain AS name, bucket_at AS at,
    count(was_seen) || ' different ones, of which ' || count(*) FILTER (WHERE was_seen AND is_wanted)
        || ' are among the ' || count(is_wanted) || ' of the events' AS said
FROM (SELECT *, true AS is_wanted FROM wanted) AS wanted
    FULL JOIN (SELECT *, true AS was_seen FROM seen) AS seen USING (period_id, resource_type, grain, bucket_at, value)
WHERE NOT (grain = 'hour' AND bucket_at < coalesce(
    (SELECT hours_since FROM usage_periods p WHERE p.tenant_id = %(tenant)s AND p.id = period_id), '-infinity'))
GROUP BY period_id, resource_type, grain, bucket_at
HAVING count(was_seen) <> count(*) OR count(is_wanted) <> count(*)
ORDER BY 2, 3, 4
