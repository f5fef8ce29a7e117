"""Flask extensions, unbound: ``portal.app`` binds them, so that tests may make many apps."""

from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

from portal.models.base import Model

# Models derive from our own declarative base: mypy knows it, where it rejects ``db.Model``.
db = SQLAlchemy(metadata=Model.metadata, session_options={"expire_on_commit": False})
migrate = Migrate()
