"""Settings are read strictly: what can't be read is refused with the name and the mend (P12)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from config.environment import BadSetting, price


def test_a_price_has_an_amount_and_a_currency(monkeypatch):
    """SMS_PRICE is exact to the digit, and absent by default."""
    monkeypatch.setenv("SMS_PRICE", "0.0083 USD")

    assert price("SMS_PRICE") == (Decimal("0.0083"), "USD")

    monkeypatch.delenv("SMS_PRICE")

    assert price("SMS_PRICE") is None


@pytest.mark.parametrize("raw", ["0.0083", "USD 0.0083", "-1 USD", "nan USD", "1e9 USD", "0,0083 EUR", "0.01 usd"])
def test_what_is_no_price_is_refused(monkeypatch, raw):
    """P12: a slip in the price is named, with an example that works."""
    monkeypatch.setenv("SMS_PRICE", raw)

    with pytest.raises(BadSetting, match=r"SMS_PRICE=0\.0083 USD"):
        price("SMS_PRICE")
