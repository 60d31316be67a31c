"""What a model's tokens cost: prices of our own first, then the public table genai-prices ships.

The table is the one that was installed; nothing is asked of the network. What is not known is not
guessed: a provider, a model or a kind of token without a price is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from genai_prices import Usage, data_snapshot
from genai_prices.types import ModelPrice

from awooop.errors import Code, Invalid, Refused
from awooop.ledger import amounts

_KINDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cache_read": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
}
_DEAREST = Decimal(1_000_000)  # USD for a million tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What a call used. The cached ones are among ``input``."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0


def cost(provider: str, model: str, used: Tokens, *, at: datetime) -> Decimal:
    """Return what a call cost, rounded up to 1e-10 USD.

    :param at: when it was made; some prices depend on the hour.
    :raises Refused: no price is known for it.
    :raises Invalid: counts that cannot be.
    """
    return _cost(_price(provider, model, at), f"{provider}/{model}", used)


def estimate(provider: str, model: str, *, input: int, output: int, at: datetime) -> Decimal:
    """Return what a call can cost at most, when so many tokens go in and may come out.

    :raises Refused: no price is known for it.
    :raises Invalid: counts that cannot be.
    """
    price, name = _price(provider, model, at), f"{provider}/{model}"
    plain = _cost(price, name, Tokens(input=input, output=output))
    if price.cache_write_mtok is None:
        return plain
    # Writing to a cache costs more than not to.
    return max(plain, _cost(price, name, Tokens(input=input, output=output, cache_write=input)))


def _cost(price: ModelPrice, name: str, used: Tokens) -> Decimal:
    for count in (used.input, used.output, used.cache_read, used.cache_write):
        amounts.tokens(count)
    if used.cache_read + used.cache_write > used.input:
        raise Invalid(Code.AMOUNT_INVALID, "more tokens were cached than went in")
    # Tokens read from a cache cost no more than others, so they may go at the full price.
    needed = {"input": 1, "output": used.output, "cache_write": used.cache_write}
    for kind, count in needed.items():
        if count and getattr(price, _KINDS[kind]) is None:
            raise _unknown(f"{name} has no price for {kind} tokens")
    usage = Usage(
        input_tokens=used.input,
        output_tokens=used.output,
        cache_read_tokens=used.cache_read,
        cache_write_tokens=used.cache_write,
    )
    with localcontext(prec=60):
        total = price.calc_price(usage)["total_price"]
    return amounts.usd(total, most=Decimal("Infinity"))


def _price(provider: str, model: str, at: datetime) -> ModelPrice:
    if (own := _own_prices().get(f"{provider}/{model}")) is not None:
        return own
    try:
        found = data_snapshot.get_snapshot().find_provider_model(model, None, provider, None)
    except LookupError:
        raise _unknown(f"no price is known for {provider}/{model}") from None
    return found[1].get_prices(at)


def fault() -> str | None:
    """Return what is wrong with the prices of our own, or None."""
    try:
        _read(settings.MODEL_PRICES)
    except (OSError, ValueError) as reason:
        return f"the setting MODEL_PRICES cannot be used: {reason}"
    return None


def _own_prices() -> Mapping[str, ModelPrice]:
    if reason := fault():
        raise _unknown(reason)
    return _read(settings.MODEL_PRICES)


@lru_cache(maxsize=8)
def _read(setting: str) -> Mapping[str, ModelPrice]:
    """Return the prices that a setting spells, or the file it names.

    :raises ValueError: it is not of the shape that README.md describes.
    :raises OSError: there is no such file.
    """
    if not setting:
        return {}
    text = setting if setting.lstrip().startswith("{") else Path(setting).read_text()
    table = json.loads(text)
    if not isinstance(table, dict) or not all(isinstance(row, dict) for row in table.values()):
        raise ValueError('it must be {"provider/model": {"input": "0.15", …}}')
    return {name: _spelled(name, row) for name, row in table.items()}


def _spelled(name: str, row: dict[str, Any]) -> ModelPrice:
    prices = {}
    for kind, text in row.items():
        if kind not in _KINDS or not isinstance(text, str):
            raise ValueError(f"{name}: {kind!r:.40} must be one of {', '.join(_KINDS)}, as text")
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise ValueError(f"{name}: {text!r:.40} is no number") from None
        if not value.is_finite() or not 0 <= value <= _DEAREST:
            raise ValueError(f"{name}: {text!r:.40} is no price")
        prices[_KINDS[kind]] = value
    return ModelPrice(**prices)


def _unknown(detail: str) -> Refused:
    return Refused(Code.PRICE_UNKNOWN, detail[:300])
