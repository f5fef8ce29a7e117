-- The sums of some periods anew, after their events have moved (sums.sql says what they are). In one slot: there is
-- nobody to make way for.
, new_value AS (
    INSERT INTO usage_uniques (tenant_id, period_id, resource_type, grain, bucket_at, value)
    SELECT DISTINCT %(tenant)s::uuid, period_id, resource_type, grain, bucket_at, value
    FROM placed WHERE aggregation = 'unique'
)
INSERT INTO usage_rollups (tenant_id, period_id, resource_type, grain, bucket_at, source, slot, total, events, highest,
    latest, latest_at)
SELECT %(tenant)s, period_id, resource_type, grain, bucket_at, source, 0, total, events, highest, latest, latest_at
FROM expected
