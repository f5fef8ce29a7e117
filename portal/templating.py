"""What templates may use: macros, filters that speak the viewer's locale, and the choice page or fragment."""

import datetime as dt
import hashlib
import json
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from flask import (
    Flask,
    Response,
    current_app,
    make_response,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseValue
from flask_login import current_user
from jinja2 import Environment
from markupsafe import Markup, escape
from sqlalchemy.exc import SQLAlchemyError

from portal import declines, formats, labels, money_labels
from portal.config import LANGUAGES
from portal.i18n import LANGUAGE_NAMES, viewer
from portal.money import to_decimal
from portal.template_cache import COMPILED

# Every file's macros are reached as ``ui.<macro>``; a file per kind keeps each readable.
MACRO_FILES = ("actions", "chart", "content", "feedback", "fields", "formulas", "status", "tables", "usage")
POLL_SECONDS = (1, 2, 5)
_FOR_EVER = "public, max-age=31536000, immutable"


def init_templating(app: Flask) -> None:
    """Register filters, macros and globals, and let versioned static files be kept for a year."""
    environment = app.jinja_env
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.bytecode_cache = COMPILED
    _add_filters(environment)
    environment.globals.update(
        asset=asset,
        url_for=_kept_addresses(app),
        fixed=_kept_parts(app),
        here=here,
        poll_seconds=poll_seconds,
        limit_phrase=labels.limit_phrase,
        method_name=labels.method_name,
        status_label=labels.status_label,
        viewer=viewer,
        principal=principal,
        language_names={code: LANGUAGE_NAMES[code] for code in LANGUAGES},
        portal_name=app.extensions["settings"].portal_name,
    )
    environment.globals["ui"] = _macros(app)
    app.after_request(_keep_versioned_files)


def _add_filters(environment: Environment) -> None:
    environment.filters.update(
        money=money,
        unit_price=lambda amount, currency: formats.unit_price(amount, currency, viewer().format_locale),
        number=lambda value: formats.number(value, viewer().format_locale),
        percent=lambda value: formats.percent(Decimal(value), viewer().format_locale),
        date=date,
        day=day,
        local_day=lambda value, style="medium": formats.date(value, viewer().format_locale, style),
        datetime=datetime,
        stored_text=labels.stored_text,
        limit_label=labels.limit_label,
        coupon_phrase=labels.coupon_phrase,
        coupon_terms=labels.coupon_terms,
        coupon_value=labels.coupon_value,
        resource_name=labels.resource_name,
        quantity=labels.quantity,
        hour_in=lambda value, zone: formats.hour(value, viewer().format_locale, zone),
        role_label=labels.role_label,
        method_label=labels.method_label,
        decline_reason=declines.reason,
        decline_advice=declines.advice,
        adjustment_kind=money_labels.adjustment_kind,
        dispute_reason=money_labels.dispute_reason,
        refund_failure=money_labels.refund_failure,
        plain_amount=lambda minor, currency: str(to_decimal(minor, currency)),
    )


def page(template: str, partial: str, status: int = 200, *, toast: str = "", **context: Any) -> Response:
    """Render the whole page, or only ``partial`` when htmx will swap it into a page that is open.

    ``toast`` is an already translated sentence shown with the fragment (a page shows flashed ones).
    """
    wanted = partial if is_partial() else template
    response = make_response(render_template(wanted, **context), status)
    response.vary.update(("HX-Request-Type", "HX-Request"))
    return with_toast(response, toast) if toast and is_partial() else response


def is_partial() -> bool:
    """Whether htmx asks for a fragment; its requests for whole pages (boosted, history) are not."""
    return request.headers.get("HX-Request-Type") == "partial"


def is_htmx() -> bool:
    """Whether htmx sent this request: it can neither follow a redirect to Stripe nor show a whole page."""
    return request.headers.get("HX-Request") == "true"


def with_toast(response: ResponseValue, message: str, kind: str = "good") -> Response:
    """Add a toast to an htmx response. ``kind``: "good", "warn" or "bad"; the message is shown as text."""
    answer = make_response(response)
    # Headers are Latin-1: JSON's ASCII escapes carry every language through.
    answer.headers["HX-Trigger"] = json.dumps({"toast": {"message": message, "kind": kind}})
    return answer


def principal() -> Any:
    """The signed-in person or ``None``, also while the database is down (then nobody is known)."""
    try:
        return current_user._get_current_object() if current_user.is_authenticated else None
    except SQLAlchemyError:
        return None


def asset(path: str) -> str:
    """The address of a static file with its content's hash: versioned addresses are cached for a year."""
    return url_for("static", filename=path, v=_content_hash(Path(str(current_app.static_folder)) / path))


def here() -> str:
    """The path of the page being looked at, to come back to; a page that was posted to is not come back to."""
    return request.full_path.rstrip("?") if request.method == "GET" else "/"


def poll_seconds(polls: int) -> int:
    """How long to wait before the next look, after ``polls`` looks: 1, 2, then 5 seconds."""
    return POLL_SECONDS[min(max(polls, 0), len(POLL_SECONDS) - 1)]


def money(amount_minor: int, currency: str) -> str:
    """Minor units as the viewer writes them: 2900 usd → ``$29.00`` or ``29,00 US$``."""
    return formats.money(amount_minor, currency, viewer().format_locale)


def date(value: dt.datetime | dt.date, style: formats.DateStyle = "medium") -> str:
    """The day, in the viewer's time zone and words."""
    return formats.date(value, viewer().format_locale, style, viewer().timezone)


def day(moment: dt.datetime, style: formats.DateStyle = "medium") -> Markup:
    """A moment as a day; the exact moment is in the element."""
    # Not by Markup.format(), which takes longer than all the rest: lists do this for every row.
    return Markup(f'<time datetime="{moment.isoformat()}">{escape(date(moment, style))}</time>')  # noqa: S704


def datetime(value: dt.datetime, style: formats.DateStyle = "medium") -> str:
    """The moment, in the viewer's time zone and words."""
    return formats.datetime(value, viewer().format_locale, viewer().timezone, style)


@cache
def _content_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def _macros(app: Flask) -> SimpleNamespace:
    found: dict[str, Any] = {}
    for name in MACRO_FILES:
        module = app.jinja_env.get_template(f"ui/{name}.html").module
        found.update({key: value for key, value in vars(module).items() if not key.startswith("_")})
    return SimpleNamespace(**found)


def _kept_addresses(app: Flask) -> Callable[..., str]:
    """``url_for`` of templates: addresses without variables, of which a page has a dozen, are built once."""
    kept: dict[str, str] = {}

    def address(endpoint: str, **values: Any) -> str:
        if values:
            return app.url_for(endpoint, **values)
        if endpoint not in kept:
            kept[endpoint] = app.url_for(endpoint)
        return kept[endpoint]

    return address


def _kept_parts(app: Flask) -> Callable[[str], Markup]:
    """``fixed(template)``: a part of a page that depends on nothing but the language, rendered once for each."""
    kept: dict[tuple[str, str], Markup] = {}

    def fixed(template: str) -> Markup:
        key = template, viewer().language
        if key not in kept:
            kept[key] = Markup(app.jinja_env.get_template(template).render())  # noqa: S704  (it escapes by itself)
        return kept[key]

    return fixed


def _keep_versioned_files(response: Response) -> Response:
    # asset() puts the content's hash, vendored files their version, into ``v``: such an address never changes.
    if request.endpoint == "static" and "v" in request.args and response.status_code in (200, 304):
        response.headers["Cache-Control"] = _FOR_EVER
    return response
