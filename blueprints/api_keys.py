"""API keys of the tenant: who looks sees what there is, an owner makes and revokes."""

from uuid import UUID

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blueprints.forms.api_keys import SCOPES, ApiKeyForm
from portal.billing import api_keys
from portal.errors import Conflict
from portal.errors_http import said
from portal.i18n import gettext
from portal.ids import uuid7
from portal.security.api_keys import MadeKey, of_tenant
from portal.security.guards import member
from portal.templating import principal

bp = Blueprint("api_keys", __name__, url_prefix="/api-keys")


@bp.get("")
@member()
def index() -> ResponseReturnValue:
    return _page(ApiKeyForm(formdata=None))


@bp.post("")
@member("owner")
def create() -> ResponseReturnValue:
    """The answer is the only page that ever shows the key."""
    form = ApiKeyForm()
    if not form.validate():
        return _page(form, 422)
    try:
        made = api_keys.make(form.draft(), actor=principal().user_id)
    except api_keys.BadKey as error:
        form.refuse(form[error.field], gettext(error.message))
        return _page(form, error.status)
    except Conflict as error:
        words = said(error)
        form.refuse(form.name, f"{words['message']} {words['remedy']}")
        form.attempt.data = uuid7()
        return _page(form, error.status)
    return _shown(made)


@bp.post("/<uuid:api_key_id>/revoke")
@member("owner")
def revoke(api_key_id: UUID) -> ResponseReturnValue:
    key = api_keys.revoke(api_key_id, actor=principal().user_id)
    flash(gettext("The key %(name)s is revoked.", name=key.name), "good")
    return redirect(url_for("api_keys.index"), 303)


def _page(form: ApiKeyForm, status: int = 200) -> ResponseReturnValue:
    shown = [(key, api_keys.state(key)) for key in of_tenant()]
    return render_template("api_keys/page.html", keys=shown, form=form, scopes=dict(SCOPES)), status


def _shown(made: MadeKey) -> ResponseReturnValue:
    url = f"{current_app.extensions['settings'].public_url}/api/v1/usage"
    key = f'-H "Authorization: Bearer {made.token}"'
    event = '{"resource_type": "api_calls", "quantity": 1, "event_id": "first-event"}'
    return render_template(
        "api_keys/made.html",
        made=made,
        report=f"curl {url} \\\n  {key} \\\n  -H \"Content-Type: application/json\" \\\n  -d '{event}'",
        ask=f'curl "{url}/permission?resource_type=api_calls&quantity=1" \\\n  {key}',
    ), 201
