"""Usage: where the tenant stands, by day, hour and source; as a file, as a report."""

from datetime import date
from typing import get_args
from uuid import UUID

from flask import Blueprint, Response, current_app, render_template, request

from portal import tenancy
from portal.errors import NotFound
from portal.extensions import db
from portal.models import Tenant
from portal.security.guards import member
from portal.templating import page, principal
from portal.usage import comparison, drawing, figures, look
from portal.usage import export as csv_export
from portal.usage import report as usage_report
from portal.usage.look import Filters

bp = Blueprint("usage", __name__)

BUYERS = ("owner", "billing")


@bp.get("/usage")
@member()
def index() -> Response:
    """One resource of a period, all others beside it; ``resource``, ``period``, ``day``, ``source`` and ``view``."""
    filters, view = _filters(), _view()
    period = look.period(filters.period_id)
    detail = look.detail(period, filters)
    compared = period.compared
    return page(
        "usage/page.html",
        "usage/_usage.html",
        period=period,
        detail=detail,
        filters=filters,
        view=view,
        days=drawing.by_day(detail, period.zone, view) if detail else None,
        hours=drawing.by_hour(detail, period.zone) if detail and detail.hours else None,
        compared=compared,
        fits=comparison.fits(figures.used(compared.id), period.subscription) if compared else (),
        may_buy=principal().role in BUYERS,
        api_url=f"{current_app.extensions['settings'].public_url}/api/v1/uso",
    )


@bp.get("/usage/export.csv")
@member()
def export() -> Response:
    """The days of what :func:`index` shows, or the hours of its day, each source by itself."""
    period, detail = _looked_at()
    response = Response(csv_export.lines(period, detail), mimetype="text/csv")
    response.headers.set("Content-Disposition", "attachment", filename=csv_export.file_name(period, detail))
    return response


@bp.get("/usage/report.pdf")
@member()
def report() -> Response:
    """All resources of a period, with their charts, to print; one at a time for each tenant."""
    shown = look.period(_filters().period_id)
    if not shown.has_usage:
        raise NotFound
    tenant = db.session.get_one(Tenant, tenancy.require_tenant())
    with usage_report.turn():
        html = render_template("documents/usage_report.html", report=usage_report.of(shown, tenant))
        name = usage_report.file_name(shown)
        db.session.rollback()  # no transaction is open while it is printed
        response = Response(usage_report.pdf(html), mimetype="application/pdf")
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _looked_at() -> tuple[look.Period, look.Detail]:
    """Raises :class:`portal.errors.NotFound` where nothing was used."""
    filters = _filters()
    period = look.period(filters.period_id)
    detail = look.detail(period, filters)
    if detail is None:
        raise NotFound
    return period, detail


def _filters() -> Filters:
    """What the address asks for. Raises :class:`portal.errors.NotFound` for what cannot be."""
    asked = request.args
    if "\0" in asked.get("source", ""):  # no text of the database has it
        raise NotFound
    try:
        return Filters(
            resource_type=asked.get("resource") or None,
            period_id=UUID(asked["period"]) if asked.get("period") else None,
            on=date.fromisoformat(asked["day"]) if asked.get("day") else None,
            source=asked.get("source") or None,
        )
    except ValueError as error:
        raise NotFound from error


def _view() -> drawing.View:
    return next((view for view in get_args(drawing.View) if view == request.args.get("view")), "day")
