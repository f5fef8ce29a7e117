"""Flask extensions, unbound: ``portal.app`` binds them, so that tests may make many apps."""

from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.exc import SQLAlchemyError

from portal.models.base import Model

# Models derive from our own declarative base: mypy knows it, where it rejects ``db.Model``.
db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})
migrate = Migrate()


def init_database(app: Flask) -> None:
    """Bind the database to the app."""
    db.init_app(app)
    app.teardown_appcontext(_let_go)  # runs before Flask-SQLAlchemy's own, which would raise


def _let_go(_error: BaseException | None) -> None:
    """End what the context has left open, also when the server has ended meanwhile.

    The answer is made by then: a transaction that cannot be rolled back any more must not turn it into a 500.
    """
    if not db.session.registry.has():
        return
    try:
        db.session.rollback()
    except SQLAlchemyError:
        db.session().invalidate()
