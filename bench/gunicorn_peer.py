"""gunicorn's settings for the peers: the portal's own, without its hooks, which ask for a portal."""

from portal.gunicorn_conf import (  # noqa: F401  (gunicorn reads the names of this module)
    accesslog,
    bind,
    control_socket_disable,
    errorlog,
    graceful_timeout,
    keepalive,
    limit_request_fields,
    limit_request_line,
    preload_app,
    threads,
    timeout,
    worker_class,
    workers,
)
