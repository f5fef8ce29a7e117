-- What corrections correct, of a batch that has some (ingest.sql); without them this would be most of what it costs.
), correction AS MATERIALIZED (
    SELECT ord, event_id, corrects, least(amount, 0) AS own FROM parsed WHERE corrects IS NOT NULL AND fault IS NULL
), stored_key AS MATERIALIZED (
    -- An event's id begins with the millisecond that it was recorded at: by it and the id the event is found in its month.
    SELECT correction.*, k.id,
        to_timestamp(('x0000' || replace(left(k.id::text, 13), '-', ''))::bit(64)::bigint / 1000.0) AS recorded_at
    FROM correction JOIN usage_keys k ON k.tenant_id = %(tenant)s AND k.event_id = corrects
), original AS (
    -- What is corrected: an event that is stored, or the first one of the batch with that id. Put together by sorting: a
    -- join of two lists whose length nobody knows may compare each with each.
    SELECT ord, event_id, corrects, own, resource_type, named_at, amount, false AS is_stored
    FROM (
        SELECT ord, event_id, corrects, least(amount, 0) AS own, first_value(resource_type) OVER same AS resource_type,
            first_value(parsed.named_at) OVER same AS named_at, first_value(amount) OVER same AS amount,
            first_value(corrects) OVER same IS NULL AS is_there
        FROM parsed
        WHERE fault IS NULL AND (corrects IS NOT NULL OR event_id IN (SELECT corrects FROM correction))
        WINDOW same AS (PARTITION BY coalesce(corrects, event_id) ORDER BY corrects IS NOT NULL, ord)
    ) AS beside
    WHERE corrects IS NOT NULL AND is_there AND amount >= 0
    UNION ALL
    SELECT ord, s.event_id, s.corrects, own, e.resource_type, e.counted_at, e.quantity + (
            SELECT coalesce(sum(least(former.quantity, 0)), 0) FROM usage_events former
            WHERE former.tenant_id = %(tenant)s AND former.corrects = s.corrects
        ), true
    FROM stored_key s
    JOIN usage_events e ON e.tenant_id = %(tenant)s AND e.recorded_at = s.recorded_at AND e.id = s.id
), corrected AS MATERIALIZED (
    -- What corrections take together is not more than there is; one that is repeated is not another one.
    SELECT ord, resource_type, named_at, is_repeat OR
            amount + sum(CASE WHEN is_repeat THEN 0 ELSE own END) OVER (PARTITION BY corrects ORDER BY ord) >= 0
            AS is_enough
    FROM (
        SELECT found.*, event_id IS NOT NULL AND (
            row_number() OVER (PARTITION BY event_id ORDER BY ord) > 1
            OR EXISTS (SELECT FROM usage_keys k WHERE k.tenant_id = %(tenant)s AND k.event_id = found.event_id)
        ) AS is_repeat
        FROM (SELECT DISTINCT ON (ord) * FROM original ORDER BY ord, is_stored DESC) AS found
    ) AS numbered
