"""Putting a tenant's money right: one invoice with what can be done to it, the account's balance, what waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.adjustments import BalanceForm, CreditNoteForm, ReasonForm, RefundForm
from blueprints.staff import KEEPERS, bp
from portal import money_desk, tenancy
from portal.billing import adjustment_previews, adjustments
from portal.billing.adjustments import Request
from portal.errors import Conflict, DomainError, Invalid, NotFound
from portal.errors_http import said
from portal.gateway.errors import StripeRefused
from portal.i18n import gettext
from portal.models import Adjustment
from portal.security.guards import staff
from portal.templating import principal

Forms = dict[str, Any]


@bp.get("/adjustments")
@staff()
def adjustments_waiting() -> ResponseReturnValue:
    """What waits for a second person, and what was done lately, over all tenants."""
    return render_template("staff/adjustments.html", found=money_desk.adjustments(), may_write=_may_write())


@bp.get("/disputes")
@staff()
def disputes() -> ResponseReturnValue:
    """Those to be answered first, by their deadline; then what is over."""
    return render_template("staff/disputes.html", found=money_desk.disputes())


@bp.get("/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>")
@staff()
def tenant_invoice(tenant_id: UUID, invoice_id: UUID) -> ResponseReturnValue:
    return _page(tenant_id, invoice_id)


@bp.post("/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>/refund")
@staff(*KEEPERS)
def refund_payment(tenant_id: UUID, invoice_id: UUID) -> ResponseReturnValue:
    """A payment, whole or in part, back to where it came from."""
    form = RefundForm()

    def asked(currency: str) -> Request:
        return Request(
            kind="refund",
            amount_minor=form.amount.minor(currency),
            payment_id=_uuid(form.payment.data),
            reason_code=form.reason_code.data,
            **_on(form, invoice_id),
        )

    return _act(tenant_id, invoice_id, "refund", form, asked)


@bp.post("/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>/credit-note")
@staff(*KEEPERS)
def issue_credit_note(tenant_id: UUID, invoice_id: UUID) -> ResponseReturnValue:
    """``act``: "preview" shows what Stripe would do; "issue" does what was shown, and nothing else."""
    form = CreditNoteForm()

    def asked(currency: str) -> Request:
        return Request(
            kind="credit_note",
            amount_minor=form.amount.minor(currency),
            way=form.way.data,
            reason_code=form.reason_code.data,
            **_on(form, invoice_id),
        )

    return _act(tenant_id, invoice_id, "credit_note", form, asked)


@bp.post("/tenants/<uuid:tenant_id>/invoices/<uuid:invoice_id>/settle")
@staff(*KEEPERS)
def settle_invoice(tenant_id: UUID, invoice_id: UUID) -> ResponseReturnValue:
    """``act``: "write_off", or "paid_out_of_band" for what was paid elsewhere; always all that is open."""
    form, kind = ReasonForm(), request.form.get("act", "")
    if kind not in ("write_off", "paid_out_of_band"):
        raise NotFound
    return _act(
        tenant_id,
        invoice_id,
        "settle",
        form,
        lambda _currency: Request(kind=kind, amount_minor=0, **_on(form, invoice_id)),
    )


@bp.get("/tenants/<uuid:tenant_id>/balance")
@staff()
def tenant_balance(tenant_id: UUID) -> ResponseReturnValue:
    return _balance_page(tenant_id, BalanceForm(formdata=None))


@bp.post("/tenants/<uuid:tenant_id>/balance")
@staff(*KEEPERS)
def adjust_balance(tenant_id: UUID) -> ResponseReturnValue:
    """A goodwill credit, or a debit, that the next invoices take into account."""
    form = BalanceForm()
    if not form.validate():
        return _balance_page(tenant_id, form, 422)
    view = _balance(tenant_id)
    try:
        asked = Request(
            kind=form.kind.data,
            amount_minor=form.amount.minor(view.currency),
            currency=view.currency,
            **_words(form),
        )
        with _bound(tenant_id):
            done = adjustments.request(asked, actor=principal().user_id)
    except ValueError as error:
        form.refuse(form.amount, str(error))
        return _balance_page(tenant_id, form, 422)
    except (Conflict, Invalid) as error:
        form.refuse(form.amount, said(error)["message"])
        return _balance_page(tenant_id, form, error.status)
    _tell(done)
    return redirect(url_for("staff.tenant_balance", tenant_id=tenant_id), 303)


@bp.post("/tenants/<uuid:tenant_id>/adjustments/<uuid:adjustment_id>/approve")
@staff(*KEEPERS)
def approve_adjustment(tenant_id: UUID, adjustment_id: UUID) -> ResponseReturnValue:
    return _decide(tenant_id, adjustment_id, adjustments.approve)


@bp.post("/tenants/<uuid:tenant_id>/adjustments/<uuid:adjustment_id>/reject")
@staff(*KEEPERS)
def reject_adjustment(tenant_id: UUID, adjustment_id: UUID) -> ResponseReturnValue:
    """By the second person; whoever asked for it withdraws it."""
    return _decide(tenant_id, adjustment_id, adjustments.reject)


def _decide(tenant_id: UUID, adjustment_id: UUID, verb: Callable[..., Adjustment]) -> ResponseReturnValue:
    with _bound(tenant_id):
        done = verb(adjustment_id, actor=principal().user_id)
    _tell(done)
    return redirect(url_for("staff.adjustments_waiting"), 303)


def _act(
    tenant_id: UUID, invoice_id: UUID, name: str, form: ReasonForm, asked: Callable[[str], Request]
) -> ResponseReturnValue:
    """Do what a form of an invoice's page asks for; what is wrong with it is said beside the form."""
    if not form.validate():
        return _page(tenant_id, invoice_id, {name: form}, status=422)
    currency = money_desk.invoice(tenant_id, invoice_id).invoice.currency
    try:
        wanted = asked(currency)
        with _bound(tenant_id):
            if name == "credit_note" and not adjustment_previews.is_seen(form.seen.data, wanted):
                preview = adjustment_previews.of(wanted)
                return _page(tenant_id, invoice_id, {name: form}, preview=preview)
            done = adjustments.request(wanted, actor=principal().user_id)
    except ValueError as error:
        form.refuse(form.amount, str(error))
        return _page(tenant_id, invoice_id, {name: form}, status=422)
    except (Conflict, Invalid, StripeRefused) as error:
        form.refuse(form[_field(name)], _sentence(error))
        return _page(tenant_id, invoice_id, {name: form}, status=error.status)
    _tell(done)
    return redirect(url_for("staff.tenant_invoice", tenant_id=tenant_id, invoice_id=invoice_id), 303)


def _on(form: ReasonForm, invoice_id: UUID) -> dict[str, Any]:
    return {**_words(form), "invoice_id": invoice_id}


def _words(form: ReasonForm) -> dict[str, Any]:
    return {"reason": form.reason.data or "", "memo": form.memo.data or "", "attempt": _uuid(form.attempt.data)}


def _field(name: str) -> str:
    return "reason" if name == "settle" else "amount"


def _sentence(error: DomainError) -> str:
    found = said(error)
    return " ".join(part for part in (found["message"], found["remedy"]) if part)


def _tell(done: Adjustment) -> None:
    """Say how far it is: a refusal of Stripe's is no error of the page."""
    sentence, tone = {
        "proposed": (gettext("It waits for a second person now."), "calm"),
        "working": (gettext("It is being carried out."), "calm"),
        "done": (gettext("It is done. The page shows it in a moment."), "good"),
        "rejected": (gettext("It is rejected. Nothing was changed."), "good"),
        "withdrawn": (gettext("It is withdrawn. Nothing was changed."), "good"),
    }.get(done.state, (gettext("Stripe refused it (%(code)s). Nothing was changed.", code=done.failure_code), "bad"))
    flash(sentence, tone)


def _page(
    tenant_id: UUID, invoice_id: UUID, forms: Forms | None = None, *, preview: Any = None, status: int = 200
) -> ResponseReturnValue:
    shown = {
        "refund": RefundForm(formdata=None),
        "credit_note": CreditNoteForm(formdata=None),
        "settle": ReasonForm(formdata=None),
        **(forms or {}),
    }
    view = money_desk.invoice(tenant_id, invoice_id)
    return render_template(
        "staff/tenant_invoice.html", view=view, forms=shown, preview=preview, may_write=_may_write()
    ), status


def _balance_page(tenant_id: UUID, form: BalanceForm, status: int = 200) -> ResponseReturnValue:
    return render_template(
        "staff/tenant_balance.html", view=_balance(tenant_id), form=form, may_write=_may_write()
    ), status


def _balance(tenant_id: UUID) -> money_desk.BalanceView:
    return money_desk.balance(tenant_id, current_app.extensions["settings"].currency)


@contextmanager
def _bound(tenant_id: UUID) -> Iterator[None]:
    """Bound to the tenant and to the staff's person: its verbs act, the audit names who."""
    with tenancy.bound(tenant_id, user_id=principal().user_id, request_token=uuid4()):
        yield


def _may_write() -> bool:
    return principal().staff_role in KEEPERS


def _uuid(text: str | None) -> UUID:
    try:
        return UUID(text or "")
    except ValueError:
        raise NotFound from None
