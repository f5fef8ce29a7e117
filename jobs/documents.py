"""Documents: rendered in a warm child process, stored once."""

from portal.invoicing import documents
from portal.outbox import Work, handler
from portal.usage.appendix import with_usage


@handler("document.render")
def render(work: Work) -> None:
    """Render an invoice, credit note or receipt; an invoice with the usage that it charges for."""
    documents.render(work, with_usage)
