"""Papers as PDF files, by WeasyPrint; without it, or without Pango on the machine, a page says so."""

import logging
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

from werkzeug.http import dump_options_header
from werkzeug.wrappers import Response

from .rendering import html, page
from .texts import Words

log = logging.getLogger(__name__)
_STYLE = Path(__file__).parent.parent / "static" / "paper.css"
# Pango's fonts are shared by all threads of the process and made for one of them.
_one_at_a_time = Lock()


def as_pdf(words: Words, name: str, paper: dict[str, Any]) -> Response:
    """The paper as a file to download, called `name`.pdf; a page with 503 where no PDF can be made."""
    text = html("paper.html", words, **paper)
    try:
        with _one_at_a_time:
            content = _written(text)
    except (ImportError, OSError) as error:
        log.warning("no PDFs: %s", error)
        return page("no_pdf.html", words, status=503)
    disposition = dump_options_header("attachment", {"filename": f"{name}.pdf"})
    return Response(content, content_type="application/pdf", headers={"Content-Disposition": disposition})


def _written(text: str) -> bytes:
    # Half a second and 50 MB, which only those pay who want a PDF; OSError where Pango is missing.
    from weasyprint import CSS, HTML

    html_only = _fetches_nothing()
    stylesheet = CSS(string=_STYLE.read_text("utf-8"), url_fetcher=html_only)
    content: bytes = HTML(string=text, url_fetcher=html_only).write_pdf(stylesheets=[stylesheet])
    return content


@cache
def _fetches_nothing() -> Any:
    """Refuses every address: a paper is complete, and what customers are called must lead nowhere."""
    from weasyprint.urls import URLFetcher

    return URLFetcher(allowed_protocols=())
