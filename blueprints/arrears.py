"""The banner of what is owed, for the layout of all tenant pages."""

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from portal.billing import arrears
from portal.billing.arrears import Arrears


def init_banner(app: Flask) -> None:
    """Let templates ask by ``arrears()``."""
    app.jinja_env.globals["arrears"] = _arrears


def _arrears() -> Arrears | None:
    """Pages that say what went wrong have the banner too, also when the database is what went wrong."""
    try:
        return arrears.current()
    except SQLAlchemyError:
        return None
