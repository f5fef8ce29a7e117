"""A period's usage as a document to print: every resource with its chart, in the reader's words.

It is made in the request, by the child process that has limits of its own (10 s, 512 MB), and kept nowhere: unlike an
invoice it is of figures that move, so that whoever asks wants those of this moment, and waits for them.
"""

from dataclasses import dataclass

from portal.invoicing.documents import pdf_process
from portal.invoicing.pdf import PrintedPage
from portal.models import Tenant
from portal.usage import drawing, export, look
from portal.usage.drawing import Drawing
from portal.usage.look import Detail, Filters, Period

WIDTH = 612
MOST_RESOURCES = 20


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


def pdf(html: str) -> bytes:
    """Print a rendered report. Raises those of :class:`portal.invoicing.pdf.PdfError`."""
    return pdf_process().render(PrintedPage(html=html)).content


def file_name(shown: Period) -> str:
    """By tenant and period: ``acme-2026-11-01-2026-11-30.pdf``."""
    first, last = shown.days_of(shown.row) if shown.row else (shown.as_of.date(), shown.as_of.date())
    return f"{export.slug()}-{first}-{last}.pdf"
