-- A batch of usage, whatever its size (design §6). The body goes to PostgreSQL as it came: taking it apart in Python
-- costs more than storing it. Keys, events and sums are written by this one statement, so that there is never one
-- without the other, and in one order, so that two batches of the same ids wait for each other instead of ending
-- each other. A field is text until it was looked at: a cast that fails would refuse the whole batch for one item.
-- Times are ISO 8601, in UTC where they name no zone; not what PostgreSQL also reads as one ("now", "infinity").
WITH given AS MATERIALIZED (
    SELECT ord,
        coalesce(resource_type, data->>'resource_type', CASE WHEN specversion IS NOT NULL THEN type END)
            AS resource_type,
        coalesce(quantity, data->>'quantity') AS quantity,
        coalesce(unit, data->>'unit') AS unit,
        coalesce("timestamp", CASE WHEN specversion IS NOT NULL THEN "time" END, period_start,
            data->>'timestamp', data->>'period_start') AS at,
        coalesce(source, data->>'source', '') AS source,
        -- CloudEvents are the same when source and id are.
        CASE WHEN specversion IS NOT NULL THEN source || ' ' || id ELSE coalesce(event_id, %(event_id)s) END
            AS event_id,
        coalesce(corrects, data->>'corrects') AS corrects,
        coalesce(value, data->>'value') AS value
    FROM ROWS FROM (json_to_recordset(%(body)s::json) AS (
        resource_type text, quantity text, unit text, "timestamp" text, period_start text, period_end text, source text,
        event_id text, corrects text, value text, specversion text, id text, type text, "time" text, subject text, data json
    )) WITH ORDINALITY AS t(resource_type, quantity, unit, "timestamp", period_start, period_end, source, event_id, corrects, value, specversion, id, type, "time", subject, data, ord)
), known AS MATERIALIZED (
    SELECT resource_type, aggregation, resources.unit FROM resources WHERE archived_at IS NULL
), open_period AS MATERIALIZED (
    SELECT id, starts_at, ends_at, timezone FROM usage_periods WHERE tenant_id = %(tenant)s AND closed_at IS NULL
), present AS (
    SELECT id, starts_at, ends_at, timezone FROM open_period WHERE starts_at <= %(now)s AND ends_at > %(now)s LIMIT 1
), looked AS MATERIALIZED (
    SELECT given.*, known.aggregation,
        CASE
            WHEN known.resource_type IS NULL THEN 'unknown_resource'
            WHEN given.unit IS NOT NULL AND known.unit <> '' AND given.unit <> known.unit THEN 'other_unit'
            WHEN given.quantity IS NULL OR given.quantity !~ '^-?\d+(\.\d+)?([eE][+-]?\d{1,2})?$' THEN 'invalid_quantity'
            WHEN given.at !~ '^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?\s*(Z|z|[+-]\d\d(:?\d\d)?)?$' OR NOT pg_input_is_valid(given.at, 'timestamptz') THEN 'invalid_time'
            WHEN length(given.event_id) NOT BETWEEN 1 AND 255 THEN 'invalid_event_id'
            WHEN length(given.source) > 100 THEN 'invalid_source'
            WHEN known.aggregation = 'unique' AND coalesce(length(given.value) NOT BETWEEN 1 AND 255, true)
                THEN 'missing_value'
        END AS fault
    FROM given LEFT JOIN known USING (resource_type)
), parsed AS MATERIALIZED (
    SELECT looked.*, CASE WHEN fault IS NULL THEN quantity::numeric END AS amount,
        CASE WHEN fault IS NULL THEN coalesce(at::timestamptz, %(now)s) END AS counted_at
    FROM looked
), judged AS MATERIALIZED (
    SELECT ord, resource_type, aggregation, amount, counted_at, source, event_id, corrects, value,
        coalesce(fault, CASE
            WHEN scale(trim_scale(amount)) > 9 OR length(ltrim(translate(trim_scale(amount)::text, '-.', ''), '0')) > 15
                THEN 'too_many_digits'
            WHEN counted_at > %(now)s + interval '5 minutes' THEN 'in_the_future'
            WHEN amount < 0 AND NOT (corrects IS NOT NULL AND EXISTS (
                SELECT FROM usage_keys k WHERE k.tenant_id = %(tenant)s AND k.event_id = corrects))
                THEN 'negative_quantity'
        END) AS fault,
        CASE WHEN event_id IS NOT NULL THEN sha256(convert_to(concat_ws(E'\x1f', resource_type,
            trim_scale(amount)::text, CASE WHEN at IS NOT NULL THEN counted_at::text END, source,
            coalesce(corrects, ''), coalesce(value, '')),
            'UTF8')) END AS body_hash,
        (%(prefix)s || lpad(to_hex(ord), 4, '0'))::uuid AS id
    FROM parsed
), valid AS MATERIALIZED (
    SELECT judged.*, row_number() OVER (PARTITION BY event_id ORDER BY ord) AS turn FROM judged WHERE fault IS NULL
), new_key AS (
    INSERT INTO usage_keys (tenant_id, event_id, body_hash, id)
    SELECT %(tenant)s, event_id, body_hash, id FROM valid WHERE event_id IS NOT NULL AND turn = 1 ORDER BY event_id
    ON CONFLICT (tenant_id, event_id) DO NOTHING
    RETURNING id
), fresh AS MATERIALIZED (
    SELECT valid.*, coalesce(p.id, present.id) AS period_id,
        coalesce(p.starts_at, present.starts_at) AS starts_at, coalesce(p.timezone, present.timezone) AS timezone,
        p.id IS NULL AND valid.counted_at < present.starts_at AS is_late,
        CASE WHEN p.id IS NULL THEN greatest(valid.counted_at, present.starts_at) ELSE valid.counted_at END AS bills_at
    FROM valid CROSS JOIN present
    LEFT JOIN open_period p ON valid.counted_at >= p.starts_at AND valid.counted_at < p.ends_at
    WHERE valid.event_id IS NULL OR valid.id IN (SELECT id FROM new_key)
), new_event AS (
    INSERT INTO usage_events (tenant_id, recorded_at, id, resource_type, quantity, counted_at, period_id, is_late,
        event_id, corrects, value, source)
    SELECT %(tenant)s, %(now)s, id, resource_type, amount, counted_at, period_id, is_late, event_id, corrects, value,
        source
    FROM fresh ORDER BY ord
), hourly AS MATERIALIZED (
    -- Thousands of events make a few rows here; only these are put into their three buckets. Of two values at the same
    -- moment the higher one is the latest, so that their order of coming changes nothing.
    SELECT period_id, resource_type, aggregation, source, value, starts_at, hour_at, day_at, sum(amount) AS total,
        count(*) AS events, max(amount) AS highest, max(ARRAY[extract(epoch FROM bills_at), amount]) AS latest,
        max(bills_at) AS latest_at
    FROM (
        SELECT period_id, resource_type, aggregation, starts_at, amount, bills_at,
            -- A value that two sources saw is one value.
            CASE WHEN aggregation = 'unique' THEN '' ELSE source END AS source,
            CASE WHEN aggregation = 'unique' THEN value END AS value,
            greatest(date_trunc('hour', bills_at, timezone), starts_at) AS hour_at,
            greatest(date_trunc('day', bills_at, timezone), starts_at) AS day_at
        FROM fresh
    ) AS billed
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
), placed AS MATERIALIZED (
    SELECT hourly.*, grain, bucket_at
    FROM hourly CROSS JOIN LATERAL (VALUES ('hour', hour_at), ('day', day_at), ('period', starts_at))
        AS bucket(grain, bucket_at)
), new_value AS (
    INSERT INTO usage_uniques (tenant_id, period_id, resource_type, grain, bucket_at, value)
    SELECT DISTINCT %(tenant)s::uuid, period_id, resource_type, grain, bucket_at, value
    FROM placed WHERE aggregation = 'unique' ORDER BY 2, 3, 4, 5, 6
    ON CONFLICT (tenant_id, period_id, resource_type, grain, bucket_at, value) DO NOTHING
    RETURNING period_id, resource_type, grain, bucket_at
), values_seen AS (
    SELECT period_id, resource_type, grain, bucket_at, count(*) AS number FROM new_value GROUP BY 1, 2, 3, 4
), summed AS (
    SELECT period_id, resource_type, aggregation, source, grain, bucket_at, sum(total) AS total,
        sum(events)::bigint AS events, max(highest) AS highest, max(latest_at) AS latest_at,
        (max(latest))[2] AS latest
    FROM placed GROUP BY 1, 2, 3, 4, 5, 6
), rolled AS (
    INSERT INTO usage_rollups AS r (tenant_id, period_id, resource_type, grain, bucket_at, source, slot, total, events,
        highest, latest, latest_at)
    SELECT %(tenant)s, period_id, resource_type, grain, bucket_at, source, %(slot)s,
        CASE WHEN aggregation = 'unique' THEN coalesce(number, 0) ELSE total END, events, highest, latest, latest_at
    FROM summed LEFT JOIN values_seen USING (period_id, resource_type, grain, bucket_at)
    ORDER BY period_id, resource_type, grain, bucket_at, source
    ON CONFLICT (tenant_id, period_id, resource_type, grain, bucket_at, source, slot) DO UPDATE SET
        total = r.total + excluded.total,
        events = r.events + excluded.events,
        highest = greatest(r.highest, excluded.highest),
        latest = CASE WHEN (excluded.latest_at, excluded.latest) > (r.latest_at, r.latest)
            THEN excluded.latest ELSE r.latest END,
        latest_at = greatest(r.latest_at, excluded.latest_at)
)
SELECT (SELECT count(*) FROM judged) AS items,
    EXISTS (SELECT FROM present) AS is_begun,
    (SELECT count(*) FROM fresh WHERE NOT is_late) AS accepted,
    (SELECT count(*) FROM fresh WHERE is_late) AS late,
    (SELECT json_agg(json_build_array(ord, fault)) FROM judged WHERE fault IS NOT NULL) AS refused,
    (SELECT array_agg(ord) FROM fresh WHERE is_late) AS late_ones,
    lost.ords, lost.event_ids, lost.hashes
FROM (SELECT array_agg(ord ORDER BY ord) AS ords, array_agg(event_id ORDER BY ord) AS event_ids,
        array_agg(body_hash ORDER BY ord) AS hashes
    FROM valid WHERE event_id IS NOT NULL AND id NOT IN (SELECT id FROM new_key)) AS lost
