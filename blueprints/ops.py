"""For machines that watch: health and metrics."""

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from portal import metrics
from portal.health import dependencies
from portal.security.guards import machine

bp = Blueprint("ops", __name__)


@bp.get("/health")
@machine("says only which parts answer")
def health() -> ResponseReturnValue:
    """200 when every part answers, 503 when one does not, with each part's state."""
    parts = dependencies()
    well = all(part.ok for part in parts)
    checks = {part.name: {"ok": part.ok, "ms": part.milliseconds, "detail": part.detail} for part in parts}
    return {"status": "ok" if well else "degraded", "checks": checks}, 200 if well else 503


@bp.get("/metrics")
@machine("counts without names; the shipped proxy keeps it inside")
def prometheus() -> Response:
    """All metrics in Prometheus' text format."""
    return metrics.exposition()
