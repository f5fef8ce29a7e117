"""A period's usage as a document to print: every resource with its chart, in the reader's words.

It is made in the request, by the child process that has limits of its own (10 s, 512 MB), and kept nowhere: unlike an
invoice it is of figures that move, so that whoever asks wants those of this moment, and waits for them.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from flask import current_app

from portal import tenancy
from portal.errors import Unavailable
from portal.invoicing.documents import pdf_process
from portal.invoicing.pdf import PdfError, PrintedPage
from portal.models import Tenant
from portal.usage import drawing, export, look
from portal.usage.drawing import Drawing
from portal.usage.look import Detail, Filters, Period
from portal.usage.report_turns import ReportTurns

WIDTH = 612
MOST_RESOURCES = 20


class ReportNotMade(Unavailable):
    code = "report_not_made"
    message = "The report could not be made as a PDF."
    remedy = "Please try again in a minute. The CSV has the same figures."


@dataclass(frozen=True)
class Part:
    """A resource as the report shows it."""

    detail: Detail
    chart: Drawing


@dataclass(frozen=True)
class Report:
    """All that the report says; ``parts``: of the resources that were used."""

    tenant: Tenant
    period: Period
    parts: tuple[Part, ...]


def of(shown: Period, tenant: Tenant) -> Report:
    """Read a period's report: three queries a resource."""
    used = [standing.resource.resource_type for standing in shown.standings if standing.is_reported]
    details = [look.detail(shown, Filters(name)) for name in used[:MOST_RESOURCES]]
    parts = [Part(each, drawing.by_day(each, shown.zone, width=WIDTH)) for each in details if each is not None]
    return Report(tenant, shown, tuple(parts))


def turn() -> AbstractContextManager[None]:
    """The bound tenant's turn: to be held while a report is read and printed.

    Raises :class:`portal.usage.report_turns.ReportUnderWay` where it is somebody's already.
    """
    turns: ReportTurns = current_app.extensions["report_turns"]
    return turns.one(tenancy.require_tenant())


def pdf(html: str) -> bytes:
    """Print a rendered report. Raises :class:`ReportNotMade`."""
    try:
        return pdf_process().render(PrintedPage(html=html)).content
    except PdfError as error:
        raise ReportNotMade from error


def file_name(shown: Period) -> str:
    """By tenant and period: ``acme-2026-11-01-2026-11-30.pdf``."""
    first, last = shown.days_of(shown.row) if shown.row else (shown.as_of.date(), shown.as_of.date())
    return f"{export.slug()}-{first}-{last}.pdf"
