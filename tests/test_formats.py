"""Amounts, numbers and dates as people of each format locale read them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel import Locale, localedata
from hypothesis import given
from hypothesis import strategies as st

from portal import formats

NBSP = "\u00a0"
MINUS = "\u2212"


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        (2900, "usd", "en_US", "$29.00"),
        (123456789, "usd", "en_US", "$1,234,567.89"),
        (2900, "usd", "es_ES", f"29,00{NBSP}US$"),
        (2900, "usd", "es_MX", f"USD{NBSP}29.00"),
        (2900, "mxn", "es_MX", "$29.00"),
        (2900, "usd", "pt_BR", f"US${NBSP}29,00"),
        (2900, "brl", "pt-BR", f"R${NBSP}29,00"),
        (2900, "jpy", "en_US", "¥2,900"),
        (2900, "kwd", "en_US", f"KWD{NBSP}2.900"),
        (290000, "isk", "en_US", f"ISK{NBSP}2,900"),
        (290070, "isk", "en_US", f"ISK{NBSP}2,900.70"),
        (290001, "isk", "en_US", f"ISK{NBSP}2,900.01"),
        (0, "eur", "es_ES", f"0,00{NBSP}€"),
        (-2900, "usd", "en_US", f"{MINUS}$29.00"),
        (-2900, "usd", "pt_BR", f"{MINUS}US${NBSP}29,00"),
    ],
)
def test_money(minor, currency, locale, text):
    assert formats.money(minor, currency, locale) == text


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "text"),
    [
        ("0.025", "usd", "en_US", "$0.00025"),
        ("2900", "usd", "en_US", "$29.00"),
        ("0.5", "jpy", "en_US", "¥0.5"),
        ("0.123456789012", "eur", "es_ES", f"0,00123456789012{NBSP}€"),
    ],
)
def test_unit_price_keeps_every_digit(minor, currency, locale, text):
    assert formats.unit_price(Decimal(minor), currency, locale) == text


@given(
    st.integers(min_value=-(10**15), max_value=10**15),
    st.sampled_from(["usd", "eur", "jpy", "kwd", "isk", "brl"]),
    st.sampled_from(["en_US", "es_ES", "es_MX", "pt_BR", "de_CH", "fr_FR"]),
)
def test_no_digit_is_lost_or_invented(minor, currency, locale):
    text = formats.money(minor, currency, locale)
    whole_unit = currency == "isk" and minor % 100 == 0
    assert int(re.sub(r"\D", "", text)) == (abs(minor) // 100 if whole_unit else abs(minor))
    assert (MINUS in text) == (minor < 0)


def test_every_locale_has_a_pattern_that_takes_the_currencys_digits():
    for name in localedata.locale_identifiers():
        assert "0.00" in str(Locale.parse(name).currency_formats["standard"].pattern), name


@pytest.mark.parametrize("name", ["", "xx", "../etc", "en_US_POSIX_X_Y_Z", "klingon"])
def test_an_unknown_locale_falls_back_instead_of_failing(name):
    assert formats.money(2900, "usd", name) == "$29.00"


@pytest.mark.parametrize(
    ("value", "locale", "text"),
    [
        (10_000_000, "en_US", "10,000,000"),
        (Decimal("-1234.5"), "es_ES", f"{MINUS}1.234,5"),
        (Decimal("0.125"), "pt_BR", "0,125"),
        (Decimal("1E+3"), "en_US", "1,000"),
    ],
)
def test_number(value, locale, text):
    assert formats.number(value, locale) == text


@pytest.mark.parametrize(
    ("value", "locale", "text"),
    [
        ("21", "es_ES", f"21{NBSP}%"),
        ("8.875", "en_US", "8.875%"),
        ("0.25", "pt_BR", "0,25%"),
        ("-5", "en_US", "−5%"),
    ],
)
def test_percent(value, locale, text):
    assert formats.percent(Decimal(value), locale) == text


def test_dates_in_each_language():
    day = date(2026, 2, 1)
    assert formats.date(day, "en_US") == "February 1, 2026"
    assert formats.date(day, "es_MX") == "1 de febrero de 2026"
    assert formats.date(day, "pt_BR") == "1 de fevereiro de 2026"
    assert formats.date(day, "en_GB", "medium") == "1 Feb 2026"


def test_a_moment_falls_on_the_day_of_its_zone():
    moment = datetime(2026, 2, 1, 3, 30, tzinfo=UTC)
    assert formats.date(moment, "en_US", timezone="America/Mexico_City") == "January 31, 2026"
    assert formats.datetime(moment, "en_GB", "Europe/Madrid") == "1 Feb 2026, 04:30:00 CET"


def test_a_moment_without_zone_is_refused():
    with pytest.raises(ValueError, match="time zone"):
        formats.date(datetime(2026, 2, 1), "en_US")  # noqa: DTZ001 - the naive moment is what is tested


@pytest.mark.parametrize(
    ("value", "locale", "text"),
    [
        ("2500", "en_US", "2,500"),
        ("12500", "en_US", "12.5K"),
        ("-2500000", "en_US", f"{MINUS}2.5M"),
        ("12500", "es_ES", f"12,5{NBSP}mil"),
        ("1000000", "pt_BR", f"1{NBSP}mi"),
        ("0.25", "es_ES", "0,25"),
    ],
)
def test_round_quantities_are_brief_from_ten_thousand_on(value, locale, text):
    assert formats.compact(Decimal(value), locale) == text


@pytest.mark.parametrize(("value", "text"), [(5000, "5K"), (10_000, "10K"), (500, "500"), (0, "0")])
def test_amounts_on_one_axis_are_written_alike(value, text):
    assert formats.compact(Decimal(value), "en_US", beside=Decimal(15_000)) == text


@pytest.mark.parametrize(
    ("locale", "day", "hour"),
    [("en_US", "Nov 3", "3 PM"), ("es_ES", "3 nov", "15:00"), ("pt_BR", "3 de nov.", "15:00"), ("??", "Nov 3", "3 PM")],
)
def test_days_without_a_year_and_hours(locale, day, hour):
    assert formats.day_and_month(date(2026, 11, 3), locale) == day
    said = formats.hour(datetime(2026, 11, 3, 14, tzinfo=UTC), locale, "Europe/Madrid")
    assert said.replace("\u202f", " ") == hour
