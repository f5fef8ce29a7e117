"""The application factory: settings, extensions, guards. Blueprints are composed in ``wsgi.py``."""

from collections.abc import Iterable
from pathlib import Path

from apiflask import APIFlask
from flask import Blueprint
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import config, errors_http, failpoints, i18n, logs, metrics, templating, tenancy
from portal.commands import register_commands
from portal.connections import check_on_checkout
from portal.exact_json import ExactJSONProvider
from portal.extensions import db, init_database, migrate
from portal.gateway.client import init_gateway
from portal.outbox import init_outbox
from portal.security import init_security
from portal.security.guards import check_every_route_is_guarded
from portal.usage.permission import init_permissions
from portal.usage.report_turns import init_report_turns

# A lock is waited for less long than a statement may take: a process that was stopped while it holds one must
# not stop every page of the tenant for half a minute.
_SERVER_OPTIONS = " ".join(
    f"-c {option}"
    for option in (
        "timezone=UTC",
        "statement_timeout=30s",
        "lock_timeout=5s",
        "idle_in_transaction_session_timeout=60s",
        # Said here, so that no default stored for a role or a database can bind a connection to anybody.
        "row_security=on",
        "app.tenant_id=",
        "app.user_id=",
        "app.request_token=",
    )
)
ROOT = Path(__file__).resolve().parent.parent


def create_app(
    role: config.Role = "web",
    *,
    settings: config.Settings | None = None,
    blueprints: Iterable[Blueprint] = (),
) -> APIFlask:
    """Build the app on one of the database's roles.

    ``role``: "web" for requests, "worker" for jobs and the ticker, "owner" for set-up. Raises
    :class:`portal.config.ConfigError` when a setting is missing, and
    :class:`portal.security.guards.UnguardedRoute` when a route does not say who may use it.
    """
    settings = settings or config.load()
    if settings.failpoints:
        failpoints.arm(settings.failpoints)
    app = APIFlask(
        "portal",
        json_errors=False,
        enable_openapi=False,
        root_path=str(ROOT),
        template_folder="templates",
        static_folder="static",
    )
    app.json = ExactJSONProvider(app)
    app.extensions["settings"] = settings
    app.extensions["create_app"] = create_app  # commands make the app of another role
    _configure(app, settings, role)
    if settings.is_https:
        # Behind the shipped nginx: one proxy, whose headers name the client and the scheme.
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1, x_host=1)  # type: ignore[method-assign]
    _init_parts(app)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    metrics.init_metrics(app)
    check_every_route_is_guarded(app)
    return app


def _init_parts(app: APIFlask) -> None:
    """In the order in which they need each other: a request passes through them from top to bottom."""
    logs.init_logs(app, tenant=lambda: tenancy.current().tenant_id)
    init_database(app)
    with app.app_context():
        for engine in db.engines.values():
            check_on_checkout(engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    init_gateway(app)
    init_outbox(app)
    init_permissions(app)
    init_report_turns(app)
    init_security(app)
    i18n.init_i18n(app)
    templating.init_templating(app)
    errors_http.init_errors(app)
    register_commands(app)


def _configure(app: APIFlask, settings: config.Settings, role: config.Role) -> None:
    pool = {
        "hide_parameters": True,  # they hold hashes and addresses, and errors are logged
        "pool_size": settings.db_pool_size,
        "max_overflow": settings.db_max_overflow,
        "pool_timeout": 5,
        "pool_recycle": 1800,
        "connect_args": {
            "connect_timeout": 3,
            "application_name": f"portal-{role}",
            "options": _SERVER_OPTIONS,
        },
    }
    # The rarely used roles keep no connection: a pool each would eat the server's.
    small = {**pool, "pool_size": 1, "max_overflow": settings.db_max_overflow}
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.role_url(role),
        SQLALCHEMY_ENGINE_OPTIONS=pool,
        SQLALCHEMY_BINDS={
            "staff": {"url": settings.role_url("staff"), **small},
            "reader": {"url": settings.role_url("reader"), **small},
        },
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=256 * 1024,
        MAX_FORM_PARTS=200,
    )
