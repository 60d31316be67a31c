"""How far a project has come: five modes, one step up at a time, any step down."""

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Mode(TextChoices):
    """The migration mode of a project; the order of the members is the order of trust."""

    LEGACY = "legacy_awoooi_default", _("legacy: not on the platform")
    SHADOW = "shadow", _("shadow: everything but harm")
    SUGGEST = "suggest", _("suggest: a human decides every write")
    CANARY = "canary", _("canary: a share of runs is live")
    ACTIVE = "active", _("active: live")

    @property
    def rank(self) -> int:
        return list(Mode).index(self)


def may_move(was: Mode, now: Mode) -> bool:
    """Tell whether a project may go from one mode to the other: one step up, or any step down."""
    return now.rank < was.rank or now.rank == was.rank + 1


def starts_in_shadow(mode: Mode) -> bool:
    """Tell whether a run created in this mode is a shadow run.

    Only ``active`` starts live runs until the gateway can send a canary's share.
    """
    return mode is not Mode.ACTIVE
