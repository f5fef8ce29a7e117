-- After `parts` and `seen`: the sums of some buckets, which were forgotten before. In one slot: there is nobody to make
-- way for.
, new_value AS (
    INSERT INTO usage_uniques (tenant_id, period_id, resource_type, grain, bucket_at, value)
    SELECT %(tenant)s, period_id, resource_type, %(grain)s, bucket_at, value FROM seen
), different AS (
    SELECT period_id, resource_type, bucket_at, count(*) AS number FROM seen GROUP BY 1, 2, 3
)
INSERT INTO usage_rollups (tenant_id, period_id, resource_type, grain, bucket_at, source, slot, total, events, highest,
    latest, latest_at)
SELECT %(tenant)s, period_id, resource_type, %(grain)s, bucket_at, source, 0,
    CASE WHEN aggregation = 'unique' THEN coalesce(max(number), 0) ELSE sum(total) END, sum(events), max(highest),
    (array_agg(latest ORDER BY latest_at DESC, latest DESC))[1], max(latest_at)
FROM parts LEFT JOIN different USING (period_id, resource_type, bucket_at)
GROUP BY period_id, resource_type, bucket_at, source, aggregation
