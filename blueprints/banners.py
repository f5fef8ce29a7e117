"""What every page of a tenant says above itself: a trial that runs, or that is over and waits."""

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from portal import tenancy
from portal.billing import trials
from portal.billing.trials import Trial


def init_banners(app: Flask) -> None:
    """Give templates ``trial_banner()``: a :class:`portal.billing.trials.Trial` or ``None``."""
    app.jinja_env.globals["trial_banner"] = _trial


def _trial() -> Trial | None:
    """One query for whoever has no trial. A page that says that something broke must not break on it."""
    if tenancy.current().tenant_id is None:
        return None
    try:
        return trials.current()
    except SQLAlchemyError:
        return None
