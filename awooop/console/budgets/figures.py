"""How money and tokens are spelled, and how much of a limit is gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from awooop.console.wording import Badge
from awooop.ledger.models import Kind, Level, Period

NOTHING = "–"
_STATES = (
    (100, "bad", "block"),
    (95, "bad", "warning"),
    (80, "warn", "warning"),
    (50, "info", "info"),
    (0, "good", "check"),
)
_KINDS = {
    Kind.RESERVE: ("info", "hourglass_top"),
    Kind.REFUSED: ("warn", "block"),
    Kind.SETTLE: ("good", "check"),
    Kind.RELEASE: ("quiet", "undo"),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """What is spent, reserved, allowed and left, as text."""

    spent: str
    reserved: str
    limit: str
    left: str


@dataclass(frozen=True, slots=True)
class Gauge:
    """A bar of a hundred parts, as text for an SVG; ``label`` says it in words."""

    spent: str
    reserved: str
    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the money of one level and period stands."""

    starts_on: str
    usd: Measure
    tokens: Measure
    calls: str
    badge: Badge
    gauge: Gauge | None


def usd(amount: Decimal | None) -> str:
    """Return an amount of USD for the eye: to the cent, or finer where it is small."""
    if amount is None:
        return NOTHING
    if 0 < amount < Decimal("0.0001"):
        return "< 0.0001"
    return f"{amount:,.2f}" if amount >= 10 or not amount % Decimal("0.01") else f"{amount:,.4f}"


def plain(amount: Decimal | None) -> str | None:
    """Return an amount exactly, as the API spells it: no exponent, no idle zeros."""
    if amount is None:
        return None
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def exactly(amount: Decimal) -> str:
    """Return an amount exactly, to the cent at least."""
    units, _point, rest = (plain(amount) or "").partition(".")
    return f"{int(units):,}.{rest:0<2}"


def tokens(number: int | None) -> str:
    """Return a number of tokens for the eye."""
    return NOTHING if number is None else f"{number:,}"


def left(row: Mapping[str, Any], unit: str) -> Any:
    """Return what a limit still allows in ``usd`` or ``tokens``, never below zero; None without."""
    limit = row[f"limit_{unit}"]
    if limit is None:
        return None
    return max(limit - row[f"spent_{unit}"] - row[f"reserved_{unit}"], type(limit)(0))


def share(row: Mapping[str, Any], name: str = "spent") -> Decimal | None:
    """Return how many hundredths of the scarcer limit are spent or reserved; None without one."""
    shares = [
        Decimal(100) if not row[f"limit_{unit}"]
        else Decimal(row[f"{name}_{unit}"]) * 100 / row[f"limit_{unit}"]
        for unit in ("usd", "tokens") if row[f"limit_{unit}"] is not None
    ]  # fmt: skip
    return max(shares, default=None)


def badge(part: Decimal | None) -> Badge:
    """Return how alarming a share is, by the same thresholds that are notified."""
    if part is None:
        return Badge(_("No limit"), "quiet", "all_inclusive")
    tone, icon = next((tone, icon) for least, tone, icon in _STATES if part >= least)
    return Badge(_("%(n)s %% spent") % {"n": f"{int(part):,}"}, tone, icon)


def standing(row: Mapping[str, Any]) -> Standing:
    """Return a row of the ledger's queries as pages show it."""
    part = share(row)
    return Standing(
        starts_on=str(row.get("starts_on", "")),
        usd=Measure(*(usd(amount) for amount in _four(row, "usd"))),
        tokens=Measure(*(tokens(number) for number in _four(row, "tokens"))),
        calls=f"{row['calls']:,}",
        badge=badge(part),
        gauge=_gauge(row, part),
    )


def kind(value: str) -> Badge:
    """Return the badge of a ledger entry."""
    return Badge(capfirst(str(Kind(value).label)), *_KINDS[Kind(value)])


def reached(threshold: int) -> Badge:
    """Return the badge of a share that was reached."""
    tone, icon = next((tone, icon) for least, tone, icon in _STATES if threshold >= least)
    return Badge(_("%(n)s %% reached") % {"n": threshold}, tone, icon)


def unfit(kind: str, level: str, period: str) -> str:
    """Return which limit an entry did not fit, or went over."""
    where = place(level, period)
    if kind == Kind.REFUSED:
        return _("It does not fit: %(where)s") % {"where": where}
    return _("It went over: %(where)s") % {"where": where}


def place(level: str, period: str, agent_id: str = "") -> str:
    """Return in words where a limit stands."""
    if level == Level.RUN:
        if agent_id:
            return _("Each run of %(agent)s, in total") % {"agent": agent_id}
        return _("Each run, in total")
    if level == Level.PROJECT:
        return _("Project, per day") if period == Period.DAY else _("Project, per month")
    if agent_id:
        text = _("Agent %(agent)s, per day") if period == Period.DAY else _(
            "Agent %(agent)s, per month"
        )  # fmt: skip
        return text % {"agent": agent_id}
    return _("Each agent, per day") if period == Period.DAY else _("Each agent, per month")


def limit(in_usd: Decimal | None, in_tokens: int | None) -> str:
    """Return a limit in words."""
    parts = []
    if in_usd is not None:
        parts.append(_("%(amount)s USD") % {"amount": exactly(in_usd)})
    if in_tokens is not None:
        parts.append(_("%(n)s tokens") % {"n": tokens(in_tokens)})
    return " · ".join(parts) or _("No limit")


def _four(row: Mapping[str, Any], unit: str) -> tuple[Any, Any, Any, Any]:
    return row[f"spent_{unit}"], row[f"reserved_{unit}"], row[f"limit_{unit}"], left(row, unit)


def _gauge(row: Mapping[str, Any], part: Decimal | None) -> Gauge | None:
    held = share(row, "reserved")
    if part is None or held is None:
        return None
    spent = min(part, Decimal(100))
    reserved = min(held, 100 - spent)
    label = _("%(spent)s %% spent, %(reserved)s %% reserved") % {
        "spent": f"{int(part):,}",
        "reserved": f"{int(reserved):,}",
    }
    return Gauge(f"{spent:.2f}", f"{reserved:.2f}", label, badge(part).tone)
