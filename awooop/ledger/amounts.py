"""What counts as an amount: exact USD to ten places, whole tokens, neither negative nor absurd."""

from decimal import ROUND_CEILING, Decimal, localcontext

from awooop.errors import Code, Invalid

MOST_USD = Decimal(1_000_000)  # of one entry; the database refuses more too
MOST_TOKENS = 10**12
_STEP = Decimal("1e-10")
_DIGITS = 60  # nothing is lost in between, whatever the caller's context is


def usd(value: Decimal, *, most: Decimal = MOST_USD) -> Decimal:
    """Return an amount of USD as the ledger keeps it, rounded up.

    :raises Invalid: a float, NaN, negative, or more than ``most``.
    """
    if not isinstance(value, Decimal) or not value.is_finite() or not 0 <= value <= most:
        raise Invalid(Code.AMOUNT_INVALID, f"{value!r:.60} is no amount of USD")
    with localcontext(prec=_DIGITS):
        return value.quantize(_STEP, rounding=ROUND_CEILING)


def tokens(value: int, *, most: int = MOST_TOKENS) -> int:
    """Return a number of tokens.

    :raises Invalid: not whole, negative, or more than ``most``.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Invalid(Code.AMOUNT_INVALID, f"{value!r:.60} is no number of tokens")
    return value
