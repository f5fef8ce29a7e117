"""Why there is no PDF. ``reason`` is for logs and never holds a text of the document."""

from portal.errors import DomainError


class PdfError(DomainError):
    """Base of the three: catch this one when every failure is handled alike. Trying again is always safe."""

    code = "pdf_error"
    status = 503
    message = "The PDF of this invoice could not be made."
    remedy = "Please try again in a minute."


class PdfTimeout(PdfError):
    """The renderer needed longer than its limit and was killed."""

    code = "pdf_timeout"
    message = "Making the PDF of this invoice took too long."


class PdfFailed(PdfError):
    """The renderer refused the document, ran out of memory or crashed."""

    code = "pdf_failed"


class PdfUnavailable(PdfError):
    """PDFs are switched off (``PORTAL_PDF=off``) or the system has no Pango."""

    code = "pdf_unavailable"
    message = "This installation cannot make PDFs at the moment."
    remedy = "The invoice itself can be seen and paid online."
