"""The rows of the invoice table, each kept as it was rendered: rendering one takes longer than reading it."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from flask import Flask
from markupsafe import Markup

from portal.i18n import viewer

KEPT_ROWS = 4096  # some 4 MB
_ROW_LINK = Markup('<a class="row-link"')


def init_rows(app: Flask) -> None:
    """Register the filter ``rows | invoice_rows(with_document, is_fragment)``."""
    app.jinja_env.filters["invoice_rows"] = _Rows(app)


class _Rows:
    """What a row looks like hangs on its values and on the reader alone, so both are the key.

    Nothing grows stale, and nobody gets to see a row without having read its values from the database.
    """

    def __init__(self, app: Flask) -> None:
        self._templates = app.jinja_env
        self._globals: dict[str, Any] = app.jinja_env.globals
        self._kept: dict[tuple[Any, ...], Markup] = {}
        self._macro = cache(lambda: self._templates.get_template("invoices/_row.html").module.row)  # type: ignore[attr-defined]
        self._badge = cache(lambda _language, status: self._globals["ui"].status("invoice", status))

    def __call__(self, rows: Sequence[Any], with_document: bool, is_fragment: bool) -> Markup:
        reader = viewer().language, viewer().format_locale, viewer().timezone, with_document
        parts = [self._row(invoice, reader) for invoice in rows]
        if is_fragment and parts:
            parts[0] = parts[0].replace(_ROW_LINK, _ROW_LINK + Markup(" autofocus"), 1)
        return Markup("".join(parts))  # noqa: S704  (each part is Markup)

    def _row(self, invoice: Any, reader: tuple[Any, ...]) -> Markup:
        found = self._kept.get(key := (*reader, *invoice))
        if found is None:
            if len(self._kept) >= KEPT_ROWS:
                self._kept.clear()
            address = self._globals["url_for"]("invoices.index")
            badge = self._badge(reader[0], invoice.status)
            found = self._kept[key] = self._macro()(invoice, f"{address}/{invoice.id}", badge, reader[-1])
        return found
