"""Whether this machine can make PDFs, asked by doing it."""

import time
from dataclasses import dataclass
from typing import Literal

from portal.invoicing.pdf.failures import PdfError
from portal.invoicing.pdf.pool import PdfProcess
from portal.invoicing.pdf.specimen import SPECIMEN


@dataclass(frozen=True)
class Selfcheck:
    """``state`` is ok, off (switched off on purpose) or failed; ``seconds`` is what the specimen took."""

    state: Literal["ok", "off", "failed"]
    detail: str
    seconds: float


def selfcheck(process: PdfProcess | None = None) -> Selfcheck:
    """Render a specimen and say what came of it; never raises.

    ``process`` is the one to ask (warm: a tenth of a second; it waits behind the document being made);
    without it, one is started and ended for the occasion, which takes about a second.
    """
    asked = process or PdfProcess()
    if not asked.enabled:
        return Selfcheck("off", "switched off by PORTAL_PDF", 0.0)
    started = time.monotonic()
    try:
        size = len(asked.render(SPECIMEN).content)
        return Selfcheck("ok", f"{size} bytes", time.monotonic() - started)
    except PdfError as error:
        return Selfcheck("failed", str(error), time.monotonic() - started)
    finally:
        if process is None:
            asked.close()
