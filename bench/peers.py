"""What the portal is compared with: the least Flask that does the same sort of thing, and a no-op job."""

import json
import os
import threading
from typing import Any

import psycopg
import stripe
from flask import Flask, request
from redis import Redis

_connections = threading.local()


def json_app() -> Flask:
    """A view that answers a small JSON object."""
    app = Flask("peer")

    @app.get("/")
    def index() -> dict[str, Any]:
        return {"status": "ok", "items": 50}

    return app


def webhook_app() -> Flask:
    """A view that checks Stripe's signature, inserts the event's row and commits."""
    app, secret = Flask("peer"), os.environ["STRIPE_WEBHOOK_SECRET"]

    @app.post("/webhooks/stripe")
    def receive() -> dict[str, Any]:
        body = request.get_data(as_text=True)
        stripe.WebhookSignature.verify_header(body, request.headers["Stripe-Signature"], secret, 300)
        event = json.loads(body)
        connection = _connection()
        connection.execute(
            "INSERT INTO peer_events (id, type, payload) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (event["id"], event["type"], body),
        )
        connection.commit()
        return {"received": event["id"]}

    return app


def usage_app() -> Flask:
    """A view that reads one event of JSON, inserts its row and commits."""
    app = Flask("peer")

    @app.post("/api/v1/usage")
    def report() -> tuple[dict[str, Any], int]:
        event, connection = request.get_json(), _connection()
        connection.execute(
            "INSERT INTO peer_usage (event_id, resource_type, quantity, counted_at, source)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            [event[name] for name in ("event_id", "resource_type", "quantity", "timestamp", "source")],
        )
        connection.commit()
        return {"status": "accepted"}, 201

    return app


def permission_app() -> Flask:
    """A view that asks Redis for one value."""
    app, redis = Flask("peer"), Redis.from_url(os.environ["REDIS_URL"])
    redis.set("peer:usage", "1000")

    @app.get("/api/v1/usage/permission")
    def may() -> dict[str, Any]:
        used = int(redis.get("peer:usage"))  # type: ignore[arg-type]  # this client answers at once
        return {"allowed": used + int(request.args["quantity"]) <= 10_000, "used": used}

    return app


def _connection() -> psycopg.Connection[tuple[Any, ...]]:
    if not hasattr(_connections, "own"):
        _connections.own = psycopg.connect(os.environ["DATABASE_URL"])
    found: psycopg.Connection[tuple[Any, ...]] = _connections.own
    return found


def no_job() -> None:
    """What RQ's worker does when there is nothing to do."""


def render_all(pages: list[tuple[str, dict[str, tuple[bytes, str]]]]) -> int:
    """Turn HTML with its pictures into PDFs with warm WeasyPrint and the portal's stylesheet."""
    from weasyprint import HTML

    from portal.invoicing.pdf import renderer

    _fetcher, fonts, stylesheet = renderer.assets()
    for page, pictures in pages:
        html = HTML(string=page, base_url=renderer.BASE_URL, url_fetcher=renderer.Assets(pictures))
        html.write_pdf(stylesheets=[stylesheet], font_config=fonts, pdf_variant="pdf/ua-1")
    return len(pages)


def render_documents(documents: list[str]) -> int:
    """The same documents by the portal's renderer, from their frozen JSON, in the same process."""
    from portal.invoicing.pdf import InvoiceDocument, renderer

    for document in documents:
        renderer.render_invoice(InvoiceDocument.from_json(json.loads(document)))
    return len(documents)
