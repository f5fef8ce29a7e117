"""Plans that were written into the database are published by themselves."""

from portal.billing.publish import publish_what_is_missing
from portal.outbox import periodic

periodic("publish_plans", every_seconds=30)(publish_what_is_missing)
