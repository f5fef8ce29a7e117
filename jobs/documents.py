"""Documents: rendered in a warm child process, stored once."""

from portal.invoicing.documents import render
from portal.outbox import handler

handler("document.render")(render)
