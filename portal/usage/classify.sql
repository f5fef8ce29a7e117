-- Those whose id was there before, or came first in another batch meanwhile: the same event, or another one.
SELECT given.ord, key.body_hash = given.body_hash AS is_same
FROM unnest(%(ords)s::bigint[], %(event_ids)s::text[], %(hashes)s::bytea[]) AS given(ord, event_id, body_hash)
JOIN usage_keys key ON key.tenant_id = %(tenant)s AND key.event_id = given.event_id
ORDER BY given.ord
