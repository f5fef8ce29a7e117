-- A batch of usage, whatever its size (design §6). The body goes to PostgreSQL as it came: taking it apart in Python
-- costs more than storing it. Keys, events and sums are written by this one statement, so that there is never one
-- without the other, and in one order, so that two batches of the same ids wait for each other instead of ending
-- each other. A field is text until it was looked at: a cast that fails would refuse the whole batch for one item.
-- Times are ISO 8601, in UTC where they name no zone; not what PostgreSQL also reads as one ("now", "infinity").
-- An event belongs to the period that holds the moment it counts at, open or closed; where none does, nothing is to be
-- kept of this: the caller makes that period and starts again.
WITH given AS (
    SELECT ord,
        coalesce(resource_type, data->>'resource_type', CASE WHEN specversion IS NOT NULL THEN type END)
            AS resource_type,
        coalesce(quantity, data->>'quantity') AS quantity,
        coalesce(unit, data->>'unit') AS unit,
        coalesce("timestamp", CASE WHEN specversion IS NOT NULL THEN "time" END, period_start,
            data->>'timestamp', data->>'period_start') AS at,
        coalesce(source, data->>'source', '') AS source,
        -- CloudEvents are the same when source and id are; one corrects another of its source.
        CASE WHEN specversion IS NOT NULL THEN source || ' ' || id
            ELSE coalesce(event_id, %(event_id)s, %(batch_id)s || ':' || ord) END AS event_id,
        CASE WHEN specversion IS NOT NULL THEN source || ' ' || (data->>'corrects') ELSE corrects END AS corrects,
        coalesce(value, data->>'value') AS value,
        concat_ws(E'\x1e', unit, period_start, period_end, data->>'unit', data->>'period_start', data->>'period_end')
            AS particulars
    FROM ROWS FROM (json_to_recordset(%(body)s::json) AS (
        resource_type text, quantity text, unit text, "timestamp" text, period_start text, period_end text, source text,
        event_id text, corrects text, value text, specversion text, id text, type text, "time" text, data json
    )) WITH ORDINALITY AS t(resource_type, quantity, unit, "timestamp", period_start, period_end, source, event_id,
        corrects, value, specversion, id, type, "time", data, ord)
    OFFSET 0  -- what is computed here is not computed again where it is used
), known AS MATERIALIZED (
    SELECT resource_type, aggregation, resources.unit FROM resources WHERE archived_at IS NULL
), looked AS (
    SELECT given.*, known.aggregation,
        CASE
            -- What is written plainly is not held against a regular expression, which costs more than all the rest.
            WHEN known.resource_type IS NULL THEN 'unknown_resource'
            WHEN given.unit IS NOT NULL AND known.unit <> '' AND given.unit <> known.unit THEN 'other_unit'
            WHEN length(given.quantity) > 60 THEN 'too_many_digits'
            WHEN given.quantity IS NULL OR translate(given.quantity, '0123456789', '') <> ''
                AND given.quantity !~ '^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?$' OR given.quantity = ''
                THEN 'invalid_quantity'
            WHEN NOT (translate(given.at, '0123456789', '') IN ('--T::Z', '--T::+:', '--T::.Z', '--T::.+:')
                    AND given.at LIKE ANY (ARRAY['2___-__-__T__:__:__Z', '2___-__-__T__:__:__+__:__',
                        '2___-__-__T__:__:__._%%Z', '2___-__-__T__:__:__._%%+__:__']))
                AND given.at !~ '^[12]\d{3}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?)?\s*(Z|z|[+-]\d\d(:?\d\d)?)?$'
                OR NOT pg_input_is_valid(given.at, 'timestamptz') THEN 'invalid_time'
            WHEN length(given.event_id) NOT BETWEEN 1 AND 255 THEN 'invalid_event_id'
            WHEN length(given.source) > 100 THEN 'invalid_source'
            WHEN known.aggregation = 'unique' AND coalesce(length(given.value) NOT BETWEEN 1 AND 255, true)
                THEN 'missing_value'
        END AS fault
    FROM given LEFT JOIN known USING (resource_type)
    OFFSET 0
), parsed AS (
    SELECT looked.*, CASE WHEN fault IS NULL THEN quantity::numeric END AS amount,
        CASE WHEN fault IS NULL THEN at::timestamptz END AS named_at
    FROM looked
    OFFSET 0
{corrected}), judged AS MATERIALIZED (
    SELECT ord, parsed.resource_type, aggregation, amount, counted_at, source, event_id, corrects, value,
        coalesce(fault, CASE
            WHEN scale(trim_scale(amount)) > 9 OR length(ltrim(translate(trim_scale(amount)::text, '-.', ''), '0')) > 15
                THEN 'too_many_digits'
            WHEN counted_at > %(now)s + interval '5 minutes' THEN 'in_the_future'
            WHEN amount < 0 AND (aggregation <> 'sum' OR corrected.resource_type IS DISTINCT FROM parsed.resource_type)
                THEN 'negative_quantity'
            WHEN amount < 0 AND NOT is_enough THEN 'more_than_it_corrects'
        END) AS fault,
        CASE WHEN event_id IS NOT NULL THEN sha256(convert_to(concat_ws(E'\x1f', parsed.resource_type,
            trim_scale(amount)::text, parsed.named_at::text, source, coalesce(corrects, ''), coalesce(value, ''),
            particulars), 'UTF8')) END AS body_hash
    FROM parsed LEFT JOIN corrected USING (ord)
    CROSS JOIN LATERAL (SELECT coalesce(parsed.named_at, corrected.named_at, %(now)s) AS counted_at) AS moment
), valid AS MATERIALIZED (
    -- In the order of the keys, in which ids are given, too: an index grows best at one end.
    SELECT judged.*, row_number() OVER (PARTITION BY event_id ORDER BY ord) AS turn,
        (%(prefix)s || lpad(to_hex(row_number() OVER (ORDER BY event_id, ord)), 4, '0'))::uuid AS id
    FROM judged WHERE fault IS NULL
), period AS MATERIALIZED (
    SELECT id, starts_at, ends_at, timezone, closed_at
    FROM usage_periods, (SELECT min(counted_at) AS first, max(counted_at) AS last FROM valid) AS span
    WHERE tenant_id = %(tenant)s AND ends_at > span.first AND starts_at <= span.last
), new_key AS (
    INSERT INTO usage_keys (tenant_id, event_id, body_hash, id)
    SELECT %(tenant)s, event_id, body_hash, id FROM valid WHERE event_id IS NOT NULL AND turn = 1 ORDER BY event_id
    ON CONFLICT (tenant_id, event_id) DO NOTHING
    RETURNING id
), given_source AS MATERIALIZED (
    SELECT DISTINCT p.id AS period_id, resource_type, source
    FROM valid JOIN period p ON counted_at >= p.starts_at AND counted_at < p.ends_at
), known_source AS MATERIALIZED (
    SELECT DISTINCT given.period_id, given.resource_type, known.source
    FROM (SELECT DISTINCT period_id, resource_type FROM given_source) AS given CROSS JOIN LATERAL (
        SELECT source FROM usage_rollups r WHERE tenant_id = %(tenant)s AND r.period_id = given.period_id
            AND r.resource_type = given.resource_type AND grain = 'period'
    ) AS known
), surplus AS MATERIALIZED (
    -- Sums are kept by source: with one for each event there would be as many sums as events.
    SELECT period_id, resource_type, source
    FROM (
        SELECT given.*, row_number() OVER (PARTITION BY period_id, resource_type ORDER BY source) + (
            SELECT count(*) FROM known_source k
            WHERE k.period_id = given.period_id AND k.resource_type = given.resource_type
        ) AS place
        FROM given_source AS given WHERE (period_id, resource_type, source) NOT IN (SELECT * FROM known_source)
    ) AS unknown
    WHERE place > %(most_sources)s
), fresh AS MATERIALIZED (
    SELECT ord, valid.id, resource_type, aggregation, amount, counted_at, event_id, corrects, value,
        p.closed_at IS NOT NULL AS is_late, p.id AS period_id, p.starts_at, p.timezone,
        CASE WHEN (p.id, resource_type, source) IN (SELECT * FROM surplus) THEN 'other' ELSE source END AS source
    FROM valid JOIN period p ON counted_at >= p.starts_at AND counted_at < p.ends_at
    WHERE event_id IS NULL OR valid.id IN (SELECT id FROM new_key)
), new_event AS (
    INSERT INTO usage_events (tenant_id, recorded_at, id, resource_type, quantity, counted_at, period_id, is_late,
        event_id, corrects, value, source)
    SELECT %(tenant)s, %(recorded)s, id, resource_type, amount, counted_at, period_id, is_late, event_id, corrects, value,
        source
    FROM fresh
), hourly AS MATERIALIZED (
    -- Thousands of events make a few rows here; only these are put into their three buckets. Of two values at the same
    -- moment the higher one is the latest, so that their order of coming changes nothing.
    SELECT period_id, resource_type, aggregation, source, value, starts_at, hour_at, day_at, sum(amount) AS total,
        count(*) AS events, max(amount) AS highest, max(ARRAY[extract(epoch FROM counted_at), amount]) AS latest,
        max(counted_at) AS latest_at
    FROM (
        SELECT period_id, resource_type, aggregation, starts_at, amount, counted_at,
            -- A value that two sources saw is one value.
            CASE WHEN aggregation = 'unique' THEN '' ELSE source END AS source,
            CASE WHEN aggregation = 'unique' THEN value END AS value,
            greatest(date_trunc('hour', counted_at, timezone), starts_at) AS hour_at,
            greatest(date_trunc('day', counted_at, timezone), starts_at) AS day_at
        FROM fresh
    ) AS counted
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
    (SELECT array_agg(DISTINCT counted_at) FROM valid WHERE NOT EXISTS (
        SELECT FROM period p WHERE counted_at >= p.starts_at AND counted_at < p.ends_at)) AS uncovered,
    (SELECT json_agg(json_build_array(ord, fault)) FROM judged WHERE fault IS NOT NULL) AS refused,
    (SELECT array_agg(ord) FROM fresh WHERE is_late) AS late_ones,
    (SELECT array_agg(DISTINCT period_id) FROM fresh WHERE is_late) AS late_periods,
    lost.*
FROM (
    -- Whose id was there before: the same event, or another one. What came in another batch meanwhile, or earlier in
    -- this one, is not seen here; that is asked for afterwards.
    SELECT array_agg(ord) FILTER (WHERE is_same) AS duplicates, array_agg(ord) FILTER (WHERE NOT is_same) AS conflicts,
        array_agg(ord ORDER BY ord) FILTER (WHERE is_same IS NULL) AS ords,
        array_agg(event_id ORDER BY ord) FILTER (WHERE is_same IS NULL) AS event_ids,
        array_agg(body_hash ORDER BY ord) FILTER (WHERE is_same IS NULL) AS hashes
    FROM (
        SELECT ord, valid.event_id, valid.body_hash, key.body_hash = valid.body_hash AS is_same
        FROM valid LEFT JOIN usage_keys key ON key.tenant_id = %(tenant)s AND key.event_id = valid.event_id
        WHERE valid.event_id IS NOT NULL AND valid.id NOT IN (SELECT id FROM new_key)
    ) AS known
) AS lost
