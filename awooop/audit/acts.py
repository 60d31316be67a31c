"""Every act that leaves evidence."""

from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Act(TextChoices):
    """What was done, as ``<what>.<done>``."""

    PROJECT_ONBOARDED = "project.onboarded", _("project onboarded")
    PROJECT_MODE_SET = "project.mode_set", _("project promoted or demoted")
    MEMBER_ADMITTED = "member.admitted", _("member given a role")
    MEMBER_DISMISSED = "member.dismissed", _("member dismissed")
    KEY_ISSUED = "key.issued", _("API key issued")
    KEY_ROTATED = "key.rotated", _("API key rotated")
    KEY_REVOKED = "key.revoked", _("API key revoked")
    PROJECT_ZONE_SET = "project.zone_set", _("time zone of the project set")
    PROJECT_CEILING_SET = "project.ceiling_set", _("ceiling of the project set")
    BUDGET_SET = "budget.set", _("budget limit set or cleared")
    CHANNEL_OPENED = "channel.opened", _("channel opened")
    CONTRACT_DRAFTED = "contract.drafted", _("contract drafted")
    CONTRACT_PUBLISHED = "contract.published", _("contract published")
    CONTRACT_SIGNED = "contract.signed", _("contract signed")
    CONTRACT_RETIRED = "contract.retired", _("contract retired")
    CONTRACT_DISCARDED = "contract.discarded", _("contract draft thrown away")
    CONTRACT_UNSOUND = "contract.unsound", _("contract found altered")
    CONTRACT_ACTIVATED = "contract.activated", _("contract activated")
    TOOL_RELEASED = "tool.released", _("tool released")
    TOOL_SUSPENDED = "tool.suspended", _("tool suspended")
    CALL_SENT = "call.sent", _("call with an effect sent")
    EFFECT_ENDED = "effect.ended", _("outcome of an effect known")
    EFFECT_RESOLVED = "effect.resolved", _("outcome of an effect resolved")
    SWITCH_THROWN = "switch.thrown", _("kill switch thrown")
    SWITCH_LIFTED = "switch.lifted", _("kill switch lifted")
    APPROVAL_ASKED = "approval.asked", _("approval asked for")
    APPROVAL_JOINED = "approval.joined", _("waiting approval asked for again by somebody else")
    APPROVAL_VOTED = "approval.voted", _("vote on an approval")
    APPROVAL_APPROVED = "approval.approved", _("action approved")
    APPROVAL_REJECTED = "approval.rejected", _("action rejected")
    APPROVAL_EXPIRED = "approval.expired", _("approval expired")
    APPROVAL_EDITED = "approval.edited", _("request edited before the decision")
    APPROVAL_ENDED = "approval.ended", _("outcome of an approved action")
    APPROVAL_REISSUED = "approval.reissued", _("further ticket for an approved action")
    OPERATION_ENDED = "operation.ended", _("operation ended")
    OPERATION_JUDGED = "operation.judged", _("operation verified, or not")
    INCIDENT_OPENED = "incident.opened", _("incident opened")
    INCIDENT_RESOLVED = "incident.resolved", _("incident resolved")
    PLAYBOOK_APPROVED = "playbook.approved", _("playbook approved")
    PLAYBOOK_RETIRED = "playbook.retired", _("playbook retired")
    RUN_CANCELLED = "run.cancelled", _("run cancelled")
    ACCOUNT_CREATED = "account.created", _("operator account created")
    ACCOUNT_CHANGED = "account.changed", _("operator account changed")
    SIGNED_IN = "account.signed_in", _("operator signed in")
    TOKEN_ISSUED = "token.issued", _("operator token issued")


class Outcome(TextChoices):
    """How an act ended."""

    SUCCESS = "success", _("done")
    REFUSED = "refused", _("refused")
    ERROR = "error", _("failed")


def known() -> list[tuple[str, Any]]:
    """Return every act with its name; a function, so that a new act needs no migration."""
    return Act.choices
