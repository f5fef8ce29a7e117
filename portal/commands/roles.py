"""The app on another database role: set-up runs as the owner, publishing as the worker."""

from apiflask import APIFlask
from flask import current_app

from portal.config import Role


def app_as(role: Role) -> APIFlask:
    """The running command's settings on another role of the database."""
    app: APIFlask = current_app.extensions["create_app"](role, settings=current_app.extensions["settings"])
    return app
