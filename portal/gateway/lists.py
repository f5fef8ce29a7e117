"""Stripe's lists, whole: one page of a list does not answer whether something is in it."""

from collections.abc import Callable, Iterator
from typing import Any

from portal.gateway.client import as_dict

PAGE = 100  # Stripe's largest


def entries(read: Callable[[Any], Any], **params: Any) -> Iterator[dict[str, Any]]:
    """Every entry of a list in Stripe's order, the newest first; asks for the next page once it is needed.

    ``read``: asks Stripe for one page with the parameters that it is given, ``params`` and where the page begins;
    raises as :meth:`portal.gateway.client.Gateway.read` does.
    """
    wanted = {**params, "limit": PAGE}
    while True:
        page = as_dict(read(wanted))
        yield from page["data"]
        if not page["has_more"]:
            return
        wanted = {**wanted, "starting_after": page["data"][-1]["id"]}
