from decimal import Decimal

import pytest

from apps.lib.money import Money, format_money, minor_units, round_money


@pytest.mark.parametrize(
    ("amount", "currency", "rounded"),
    [("1.005", "INR", "1.01"), ("2.5", "JPY", "3"), ("0.0005", "KWD", "0.001"), ("-1.005", "INR", "-1.01")],
)
def test_rounds_half_up_to_the_minor_unit(amount, currency, rounded):
    assert str(round_money(Decimal(amount), currency)) == rounded


def test_unlisted_currencies_have_two_digits():
    assert minor_units("CHF") == 2


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("1234567.5", "INR", "₹12,34,567.50"),
        ("1234567.5", "USD", "$1,234,567.50"),
        ("999", "INR", "₹999.00"),
        ("-20", "INR", "−₹20.00"),
        ("12", "CHF", "CHF 12.00"),
        ("1500", "JPY", "¥1,500"),
    ],
)
def test_reads_as_people_write_it(amount, currency, text):
    assert format_money(Decimal(amount), currency) == text
    assert str(Money(Decimal(amount), currency)) == text
