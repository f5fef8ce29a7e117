"""Words for taxes: what a customer pays and why, for whom a rate is."""

from portal import countries, formats
from portal.i18n import gettext, lazy_gettext, viewer
from portal.pricing.taxation import Outcome, Rate

MODES = {
    "unmanaged": lazy_gettext("Leave taxes to what is set up at Stripe"),
    "rates": lazy_gettext("By the rates below"),
    "stripe": lazy_gettext("By Stripe Tax"),
}
CUSTOMERS = {
    "all": lazy_gettext("All customers"),
    "with_tax_id": lazy_gettext("With a tax ID"),
    "without_tax_id": lazy_gettext("Without a tax ID"),
}


_SENTENCES = {
    "unmanaged": "",
    "stripe": lazy_gettext("The tax is worked out from the address and the tax ID for each invoice."),
    "exempt": lazy_gettext("No tax is charged: your organisation is exempt."),
    "reverse_charge": lazy_gettext(
        "No tax is charged: with this VAT number your organisation owes it (reverse charge)."
    ),
    "none": lazy_gettext("No tax is charged in this country."),
}


def rate_name(rate: Rate) -> str:
    """A rate as invoices name it: "IVA 21 %"."""
    return f"{rate.name} {formats.percent(rate.percentage, viewer().format_locale)}"


def country_name(code: str) -> str:
    """A country in the reader's language."""
    return countries.name(code, viewer().language)


def sentence(outcome: Outcome) -> str:
    """What a customer pays and why; nothing where taxes are not decided here."""
    if outcome.kind == "rate" and outcome.rate is not None:
        return _of_rate(outcome, outcome.rate)
    return str(_SENTENCES[outcome.kind])


def beside_prices(outcome: Outcome) -> str:
    """What stands beside a price that a customer is shown; nothing where no tax is known."""
    if outcome.rate is None:
        return ""
    if outcome.rate.inclusive:
        return str(gettext("including %(tax)s", tax=rate_name(outcome.rate)))
    return str(gettext("plus %(tax)s", tax=rate_name(outcome.rate)))


def _of_rate(outcome: Outcome, rate: Rate) -> str:
    country = country_name(rate.country)
    if rate.inclusive:
        said = gettext("Prices include %(tax)s (%(country)s).", tax=rate_name(rate), country=country)
    else:
        said = gettext("%(tax)s (%(country)s) is added to prices.", tax=rate_name(rate), country=country)
    if outcome.is_assumed:
        return f"{said} {gettext('Choose your country, so that the tax is right.')}"
    return str(said)
