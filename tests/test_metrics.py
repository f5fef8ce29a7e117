"""What Prometheus reads after a purchase."""

from blueprints import ops
from portal import metrics_values
from portal.app import create_app
from tests.support import database
from tests.support.shopping import buy


def test_a_purchase_is_in_the_metrics(web, tenant, settings, worker, stripe_sandbox, drain):
    buy(tenant, stripe_sandbox, drain)
    with worker.app_context():
        metrics_values.refresh()
    app = create_app("web", settings=settings, blueprints=[ops.bp])
    with app.app_context():
        answer = app.test_client().get("/metrics")
        database.dispose(app)
    assert answer.status_code == 200
    lines = answer.text.splitlines()
    assert 'billing_subscriptions_total{plan_id="starter",status="active"} 1.0' in lines
    assert "billing_monthly_revenue_dollars 29.0" in lines
    assert 'billing_payments_total{status="paid"} 1.0' in lines
    assert [line for line in lines if line.startswith("billing_outbox_oldest_seconds ")]


def test_requests_are_counted_by_route_and_status(settings):
    app = create_app("web", settings=settings, blueprints=[ops.bp])
    with app.app_context():
        client = app.test_client()
        client.get("/metrics")
        lines = client.get("/metrics").text.splitlines()
        database.dispose(app)
    counted = [line for line in lines if line.startswith("billing_api_requests_total{")]
    assert [line for line in counted if 'endpoint="/metrics"' in line and 'method="GET"' in line], counted
