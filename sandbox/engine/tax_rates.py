"""Tax rates set by hand; what they charge is taxation.py's."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from ..errors import InvalidRequest
from .fields import cleared, merged_metadata, new_metadata, where
from .taxation import Rate
from .work import Obj, Work, copied

KIND = "tax_rate"
_TEXTS = ("country", "description", "display_name", "jurisdiction", "state", "tax_type")


def create(work: Work, params: Obj) -> Obj:
    """POST /v1/tax_rates: `percentage` from 0 to 100 with at most four decimals; it never changes."""
    exact = Decimal(str(params["percentage"]))
    if not 0 <= exact <= 100:
        raise InvalidRequest("`percentage` must be between 0 and 100.", param="percentage")
    if exact != exact.quantize(Decimal("0.0001")):
        raise InvalidRequest("`percentage` has at most four decimal places.", param="percentage")
    _check_country(params)
    rate = {
        "id": work.new_id("txr"),
        "object": KIND,
        "active": params.get("active", True),
        **{name: params.get(name) for name in _TEXTS},
        "created": work.now,
        "effective_percentage": None,
        "flat_amount": None,
        "inclusive": params["inclusive"],
        "jurisdiction_level": None,
        "livemode": False,
        "metadata": new_metadata(params.get("metadata")),
        "percentage": params["percentage"],
        "rate_type": None,
    }
    work.add(KIND, rate)
    work.emit("tax_rate.created", rate)
    return rate


def retrieve(work: Work, _params: Obj, rate_id: str) -> Obj:
    """GET /v1/tax_rates/{id}."""
    return work.read(KIND, rate_id)


def update(work: Work, params: Obj, rate_id: str) -> Obj:
    """POST /v1/tax_rates/{id}: anything but what it charges. Archived rates stay where they are set."""
    _check_country(params)
    rate = work.edit(KIND, rate_id)
    before = copied(rate)
    for name in (*_TEXTS, "active"):
        if name in params:
            rate[name] = cleared(params[name])
    rate["metadata"] = merged_metadata(rate["metadata"], params.get("metadata"))
    work.emit_updated("tax_rate.updated", before, rate)
    return rate


def listing(work: Work, params: Obj) -> Iterator[Obj]:
    """GET /v1/tax_rates."""
    return where(work.all(KIND), params, "active", "inclusive")


def chosen(work: Work, ids: Iterable[str] | None, *, param: str) -> list[Obj]:
    """The rates that a parameter names, as the object that gets them shows them; "" and None: none.

    InvalidRequest for an archived one, or the same one twice.
    """
    found: list[Obj] = []
    for index, rate_id in enumerate(ids or ()):
        here = f"{param}[{index}]"
        rate = work.read(KIND, rate_id, param=here)
        if not rate["active"]:
            raise InvalidRequest(f"The tax rate {rate_id} is archived and cannot be applied.", param=here)
        if any(each["id"] == rate_id for each in found):
            raise InvalidRequest(f"The tax rate {rate_id} is given twice.", param=here)
        found.append(copied(rate))
    return found


def check_one_way(owner: Obj) -> None:
    """InvalidRequest when a subscription or invoice has rates set by hand and automatic tax together."""
    items = owner.get("items", {}).get("data", [])
    if owner["automatic_tax"]["enabled"] and (owner["default_tax_rates"] or any(item["tax_rates"] for item in items)):
        raise InvalidRequest("You cannot use tax rates together with `automatic_tax`.", param="automatic_tax[enabled]")


def plain(rates: Iterable[Obj]) -> list[Rate]:
    """Stored rates as taxation.py wants them."""
    return [Rate(rate["id"], Decimal(str(rate["percentage"])), rate["inclusive"]) for rate in rates]


def _check_country(params: Obj) -> None:
    country = params.get("country")
    if country and (len(country) != 2 or not country.isalpha() or not country.isupper()):
        raise InvalidRequest(
            f"Country '{country}' is unknown. Try using a 2-character alphanumeric country code instead, "
            "such as 'US', 'EG', or 'GB'.",
            code="country_code_invalid",
            param="country",
        )
