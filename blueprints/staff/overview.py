"""What needs a look now."""

from flask import render_template
from flask.typing import ResponseReturnValue

from blueprints.staff import bp
from portal import overview as business
from portal.security.guards import staff


@bp.get("")
@staff()
def overview() -> ResponseReturnValue:
    return render_template("staff/overview.html", overview=business.overview())
