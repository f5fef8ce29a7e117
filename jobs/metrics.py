"""Business figures for Prometheus, computed set-based over all tenants into one small table."""

from portal.metrics_values import refresh
from portal.outbox import periodic

periodic("refresh_metrics", every_seconds=30)(refresh)
