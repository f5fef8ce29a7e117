"""Tax ids, checked offline by their check digits and brought into the form that Stripe and invoices want.

Whether an authority knows a number is another question: Stripe asks it for those of the European Union, Great Britain
and Australia. Kinds: https://docs.stripe.com/billing/customer/tax-ids
"""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from stdnum.eu import vat as eu_vat
from stdnum.exceptions import ValidationError

from portal.errors import Invalid
from portal.pricing.taxation import EU, EU_VAT

LONGEST = 40  # characters


class BadTaxId(Invalid):
    """``field`` is that of :class:`portal.billing.billing_details.Details`."""

    field = "tax_id"
    code = "bad_tax_id"
    message = "This is no valid tax ID of the country. Please check its digits."


class TaxIdWithoutCountry(BadTaxId):
    code = "tax_id_without_country"
    message = "Choose a country, so that the tax ID can be checked."


@dataclass(frozen=True)
class TaxId:
    """``value`` as it is printed. ``kind``: Stripe's name of it; "": the country's ids cannot be checked here."""

    value: str = ""
    kind: str = ""


def _plain(_module: str, number: str) -> str:
    return number


def _printed(module: str, number: str) -> str:
    """As people of the country write it, with its dots and hyphens."""
    formatted: str = import_module(f"stdnum.{module}").format(number)
    return formatted


def _british(_module: str, number: str) -> str:
    return f"GB{number}"


_Form = Callable[[str, str], str]
# Country: the ids that its businesses have, each as python-stdnum's module, Stripe's kind, and how it is written.
_KINDS: dict[str, tuple[tuple[str, str, _Form], ...]] = {
    "AR": (("ar.cuit", "ar_cuit", _printed),),
    "AU": (("au.abn", "au_abn", _plain),),
    "BR": (("br.cnpj", "br_cnpj", _printed), ("br.cpf", "br_cpf", _printed)),
    "CA": (("ca.bn", "ca_bn", _plain),),
    "CH": (("ch.vat", "ch_vat", _printed),),
    "CL": (("cl.rut", "cl_tin", _printed),),
    "CO": (("co.nit", "co_nit", _printed),),
    "EC": (("ec.ruc", "ec_ruc", _plain),),
    "GB": (("gb.vat", "gb_vat", _british),),
    "IN": (("in_.gstin", "in_gst", _plain),),
    "IS": (("is_.vsk", "is_vat", _plain),),
    "JP": (("jp.cn", "jp_cn", _plain),),
    "KR": (("kr.brn", "kr_brn", _printed),),
    "MX": (("mx.rfc", "mx_rfc", _plain),),
    "NO": (("no.mva", "no_vat", _plain),),
    "NZ": (("nz.ird", "nz_gst", _plain),),
    "PE": (("pe.ruc", "pe_ruc", _plain),),
    "RS": (("rs.pib", "rs_pib", _plain),),
    "SG": (("sg.uen", "sg_uen", _plain),),
    "TR": (("tr.vkn", "tr_tin", _plain),),
    "US": (("us.ein", "us_ein", _printed),),
    "UY": (("uy.rut", "uy_ruc", _plain),),
}
_PREFIX = {"GR": "EL"}  # of VAT numbers, where it is not the country's code


def checked(country: str, entered: str) -> TaxId:
    """The tax id as it is kept; nothing for an empty one.

    ``country``: ISO 3166-1 alpha-2. An id of a country that is not listed here is kept as it was entered. Raises
    :class:`BadTaxId` for wrong digits, :class:`TaxIdWithoutCountry`.
    """
    text = unicodedata.normalize("NFKC", entered).strip().upper()
    if not text:
        return TaxId()
    if not country:
        raise TaxIdWithoutCountry
    if len(text) > LONGEST or not text.isprintable():
        raise BadTaxId
    if country in EU:
        return TaxId(_of_union(_PREFIX.get(country, country), text), EU_VAT)
    if country == "GB" and text.startswith("XI"):
        return TaxId(_of_union("XI", text), EU_VAT)
    if country not in _KINDS:
        return TaxId(text)
    for module, kind, form in _KINDS[country]:
        if (number := _valid(module, text)) is not None:
            return TaxId(form(module, number), kind)
    raise BadTaxId


def _of_union(prefix: str, text: str) -> str:
    """A VAT number with its country's letters, whether or not they were entered."""
    for candidate in (text, prefix + text):
        try:
            number: str = eu_vat.validate(candidate)
        except ValidationError:
            continue
        if number.startswith(prefix):
            return number
    raise BadTaxId


def _valid(module: str, text: str) -> str | None:
    try:
        number: str = import_module(f"stdnum.{module}").validate(text)
    except ValidationError:
        return None
    return number
