"""The price that an entry of a subscription's `items` asks for: `price`, the legacy `plan`, or inline `price_data`."""

from ..errors import InvalidRequest
from . import prices
from .fields import inside
from .work import Obj, Work

_WAYS = ("price", "plan", "price_data")


def is_named(given: Obj) -> bool:
    """Whether the entry asks for a price at all."""
    return any(name in given for name in _WAYS)


def price_of(work: Work, given: Obj, param: str, kept: Obj | None = None) -> Obj:
    """The recurring price of the entry at the path `param`; `kept` is what its item has, and stays when none is named.

    InvalidRequest: none or several named, a one-time price, or an archived one other than `kept`.
    """
    named = [name for name in _WAYS if name in given]
    if len(named) > 1:
        raise InvalidRequest("Only one of price, plan and price_data can be given.", param=inside(param, named[1]))
    if not named:
        if kept is None:
            path = inside(param, "price")
            raise InvalidRequest(f"Missing required param: {path}.", code="parameter_missing", param=path)
        return kept
    path = inside(param, named[0])
    if named[0] == "price_data":
        return prices.inline(work, given["price_data"], path)
    price = work.read("price", given[named[0]], param=path)
    if not price["active"] and (kept is None or kept["id"] != price["id"]):
        raise InvalidRequest("The price specified is inactive. This field only accepts active prices.", param=path)
    if price["recurring"] is None:
        raise InvalidRequest(
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
            param=path,
        )
    return price
