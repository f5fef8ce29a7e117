"""A message as HTML and as text: one template each for every kind, so that all mails look and read alike."""

from functools import cache

import css_inline
from flask import current_app

from portal.i18n import viewer
from portal.notices.message import Message


@cache
def _inliner() -> css_inline.CSSInliner:
    # Inlined for the programs that drop <style>; the dark colours (@media) have to stay there.
    return css_inline.CSSInliner(keep_at_rules=True, apply_width_attributes=True, load_remote_stylesheets=False)


def html(message: Message) -> str:
    """The HTML part for the current viewer, every text escaped, nothing to be fetched."""
    return str(_inliner().inline(_render("mails/message.html", message)))


def text(message: Message) -> str:
    """The text part for the current viewer."""
    return _render("mails/message.txt", message).strip() + "\n"


def _render(template: str, message: Message) -> str:
    # The environment's template and not render_template: that would look for a request and its user.
    settings = current_app.extensions["settings"]
    return current_app.jinja_env.get_template(template).render(
        message=message,
        html_lang=viewer().html_lang,
        portal_name=settings.portal_name,
        portal_url=settings.public_url,
        portal_host=settings.public_url.partition("://")[2],
    )
