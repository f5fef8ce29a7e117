"""Tax ids: checked by their digits, kept in the form that invoices print."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal import countries, tax_ids
from portal.tax_ids import TaxId


@pytest.mark.parametrize(
    ("country", "entered", "value", "kind"),
    [
        ("ES", "B12345674", "ESB12345674", "eu_vat"),
        ("ES", " es-b12345674 ", "ESB12345674", "eu_vat"),
        ("DE", "DE 136 695 976", "DE136695976", "eu_vat"),
        ("DE", "136695976", "DE136695976", "eu_vat"),
        ("GR", "094259216", "EL094259216", "eu_vat"),
        ("GR", "EL094259216", "EL094259216", "eu_vat"),
        ("AT", "U13585627", "ATU13585627", "eu_vat"),
        ("GB", "980 7806 84", "GB980780684", "gb_vat"),
        ("GB", "XI110305878", "XI110305878", "eu_vat"),
        ("US", "042103594", "04-2103594", "us_ein"),
        ("BR", "16727230000197", "16.727.230/0001-97", "br_cnpj"),
        ("BR", "39053344705", "390.533.447-05", "br_cpf"),
        ("MX", "GODE561231GR8", "GODE561231GR8", "mx_rfc"),
        ("CH", "CHE-107.787.577 IVA", "CHE-107.787.577 IVA", "ch_vat"),
        ("AU", "83 914 571 673", "83914571673", "au_abn"),
        ("KE", "P051234567X", "P051234567X", ""),  # nothing here can check it
        ("KE", "", "", ""),
        ("", "  ", "", ""),
    ],
)
def test_what_is_kept(country, entered, value, kind):
    assert tax_ids.checked(country, entered) == TaxId(value, kind)


@pytest.mark.parametrize(
    ("country", "entered"),
    [
        ("ES", "B12345675"),
        ("ES", "DE136695976"),  # another country's
        ("DE", "ESB12345674"),
        ("GB", "980780685"),
        ("US", "1"),
        ("BR", "16727230000198"),
        ("KE", "x" * 41),
        ("KE", "a\x00b"),
    ],
)
def test_what_is_refused(country, entered):
    with pytest.raises(tax_ids.BadTaxId):
        tax_ids.checked(country, entered)


def test_without_a_country_nothing_can_be_checked():
    with pytest.raises(tax_ids.TaxIdWithoutCountry):
        tax_ids.checked("", "ESB12345674")


@given(st.sampled_from([code for code, _name in countries.choices("en")]), st.text(max_size=50))
def test_any_text_is_kept_or_refused_and_what_is_kept_stays(country, entered):
    try:
        kept = tax_ids.checked(country, entered)
    except tax_ids.BadTaxId:
        return
    assert tax_ids.checked(country, kept.value) == kept


def test_countries_have_names_in_each_language():
    assert {code: countries.name("ES", code) for code in ("en", "es", "pt_BR")} == {
        "en": "Spain",
        "es": "España",
        "pt_BR": "Espanha",
    }
    assert countries.is_country("GR")
    assert not any(map(countries.is_country, ("EU", "UK", "XX", "es", "")))
    assert 245 <= len(countries.choices("es")) <= 255
