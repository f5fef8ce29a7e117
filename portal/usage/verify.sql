-- The sums as they are, beside what they have to be by the events that are there (sums.sql).
, found AS (
    SELECT period_id, resource_type, grain, bucket_at, source, sum(total) AS total, sum(events) AS events,
        max(highest) AS highest, (array_agg(latest ORDER BY latest_at DESC, latest DESC))[1] AS latest
    FROM usage_rollups WHERE tenant_id = %(tenant)s
        AND period_id IN (SELECT id FROM usage_periods WHERE tenant_id = %(tenant)s AND starts_at > %(since)s)
    GROUP BY 1, 2, 3, 4, 5
)
SELECT period_id, resource_type, grain, bucket_at, source, expected.total AS expected_total, found.total AS found_total
FROM expected FULL JOIN found USING (period_id, resource_type, grain, bucket_at, source)
-- Hours go after a while; what came late for one of them is no sum of it.
WHERE NOT (grain = 'hour' AND bucket_at < coalesce(
        (SELECT hours_since FROM usage_periods p WHERE p.tenant_id = %(tenant)s AND p.id = period_id), '-infinity'))
    AND (expected.total, expected.events, expected.highest, expected.latest)
    IS DISTINCT FROM (found.total, found.events, found.highest, found.latest)
ORDER BY 1, 2, 3, 4, 5
