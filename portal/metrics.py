"""Prometheus: request metrics by prometheus-flask-exporter, business figures from the summary table."""

import os
from collections.abc import Iterator

from flask import Flask, Response, current_app, request
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_flask_exporter import PrometheusMetrics
from sqlalchemy import select

from portal import tenancy
from portal.extensions import db
from portal.models import MetricValue

_FAMILIES = {
    "billing_subscriptions_total": (GaugeMetricFamily, "Subscriptions by status and plan."),
    "billing_monthly_revenue_dollars": (GaugeMetricFamily, "Monthly recurring revenue in major units."),
    "billing_payments_total": (CounterMetricFamily, "Payments of invoices by status."),
    "billing_outbox_due": (GaugeMetricFamily, "Owed work that is due, by kind."),
    "billing_outbox_oldest_seconds": (GaugeMetricFamily, "Age of the oldest due work in seconds."),
    "billing_event_cursor_lag_seconds": (GaugeMetricFamily, "Since Stripe's list of events was looked through."),
    "billing_sweep_age_seconds": (GaugeMetricFamily, "Since a sweep of what should be live came to its end."),
    "billing_drift_healed_total": (CounterMetricFamily, "Objects that only the sweep found changed, by kind."),
    "billing_parked_total": (GaugeMetricFamily, "Open findings for staff, by kind."),
}


class BusinessFigures:
    """A collector over ``metric_values``; what is not there yet is left out rather than shown as zero."""

    def collect(self) -> Iterator[Metric]:
        """Yields one family per name, as prometheus_client asks for it."""
        families: dict[str, GaugeMetricFamily | CounterMetricFamily] = {}
        rows = db.session.execute(select(MetricValue.name, MetricValue.labels, MetricValue.value)).all()
        for name, labels, value in rows:
            family, text = _FAMILIES[name]
            names = sorted(labels)
            found = families.setdefault(name, family(name, text, labels=names))
            found.add_metric([str(labels[label]) for label in names], float(value))
        yield from families.values()


def init_metrics(app: Flask) -> None:
    """Count every request; the page itself is served by ``blueprints.ops`` under its own guard."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        os.makedirs(folder, exist_ok=True)
    # With PROMETHEUS_MULTIPROC_DIR set the figures live in files and are summed over all processes; the
    # registry of its own keeps two apps in one process (tests) apart.
    exporter = PrometheusMetrics(
        app, path=None, defaults_prefix="portal", group_by="url_rule", registry=CollectorRegistry()
    )
    app.extensions["exporter"] = exporter
    _count_requests(app, exporter.registry)


def _count_requests(app: Flask, registry: CollectorRegistry) -> None:
    names = ("method", "endpoint", "status")
    counter = Counter("billing_api_requests_total", "Requests by method, route and status.", names, registry=registry)
    counts: dict[tuple[str, str, int], Counter] = {}  # finding one by its labels takes longer than to count

    @app.after_request
    def count(response: Response) -> Response:
        if request.url_rule is not None:
            key = request.method, request.url_rule.rule, response.status_code
            if key not in counts:
                counts[key] = counter.labels(*key)
            counts[key].inc()
        return response


def exposition() -> Response:
    """All metrics in Prometheus' text format."""
    body, content_type = current_app.extensions["exporter"].generate_metrics()
    tenancy.fresh()
    figures = CollectorRegistry()
    figures.register(BusinessFigures())
    return Response(body.encode() + generate_latest(figures), content_type=content_type)
