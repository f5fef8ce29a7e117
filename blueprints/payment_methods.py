"""Payment methods: the list, adding one at Stripe, default, backup, removing."""

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.arrears import init_banner
from portal.billing import method_setups, payment_methods
from portal.i18n import gettext, viewer
from portal.labels import method_label
from portal.security.guards import member
from portal.templating import is_htmx, page, principal

bp = Blueprint("payment_methods", __name__, url_prefix="/payment-methods")
bp.record_once(lambda state: init_banner(state.app))  # type: ignore[arg-type]  # an App is a Flask


@bp.get("")
@member()
def index() -> Response:
    """What can be charged, the default first."""
    return _list()


@bp.post("")
@member("owner", "billing")
def add() -> ResponseReturnValue:
    """Off to Stripe, where the method is entered."""
    setup = method_setups.start(actor=principal().user_id, language=viewer().language)
    return redirect(setup.url or url_for("payment_methods.setup", setup_id=setup.id), 303)


@bp.get("/setups/<uuid:setup_id>")
@member()
def setup(setup_id: UUID) -> Response:
    """Where adding a method stands; looks again by itself until that is final."""
    polls = max(request.args.get("polls", 0, int), 0)
    found = method_setups.get(setup_id)
    if polls == 0:
        method_setups.refresh(found)
    seen: dict[str, Any] = {"polls": polls + 1}
    return page(
        "payment_methods/setup.html",
        "payment_methods/_setup.html",
        setup=found,
        progress=method_setups.progress(found),
        default=payment_methods.default_id(),
        polls=polls,
        next_look=url_for("payment_methods.setup", setup_id=setup_id, **seen),
    )


@bp.get("/setups/<uuid:setup_id>/back")
@member("owner", "billing")
def back(setup_id: UUID) -> ResponseReturnValue:
    """Stripe's cancel link: end it quietly and show the list again."""
    found = method_setups.abandon(setup_id)
    if found.state == "complete":
        return redirect(url_for("payment_methods.setup", setup_id=setup_id), 303)
    flash(gettext("No payment method was added."), "calm")
    return redirect(url_for("payment_methods.index"), 303)


@bp.post("/<uuid:method_id>/default")
@member("owner", "billing")
def make_default(method_id: UUID) -> ResponseReturnValue:
    method = payment_methods.make_default(method_id, actor=principal().user_id)
    return _done(gettext("%(method)s is your default now.", method=method_label(method)))


@bp.post("/<uuid:method_id>/backup")
@member("owner", "billing")
def make_backup(method_id: UUID) -> ResponseReturnValue:
    method = payment_methods.set_backup(method_id, actor=principal().user_id)
    return _done(gettext("%(method)s is your backup now.", method=method_label(method)))


@bp.post("/no-backup")
@member("owner", "billing")
def drop_backup() -> ResponseReturnValue:
    payment_methods.drop_backup(actor=principal().user_id)
    return _done(gettext("There is no backup any more."))


@bp.post("/<uuid:method_id>/remove")
@member("owner", "billing")
def remove(method_id: UUID) -> ResponseReturnValue:
    payment_methods.remove(method_id, actor=principal().user_id)
    return _done(gettext("The payment method was removed."))


def _done(message: str) -> ResponseReturnValue:
    if is_htmx():
        return _list(toast=message)
    flash(message, "good")
    return redirect(url_for("payment_methods.index"), 303)


def _list(toast: str = "") -> Response:
    return page(
        "payment_methods/page.html", "payment_methods/_list.html", methods=payment_methods.listed(), toast=toast
    )
