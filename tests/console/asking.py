"""Requests that wait for a human, as gate five leaves them."""

from datetime import timedelta
from html import unescape

from django.utils import timezone

from approvals import decisions
from approvals.decisions import Decision
from approvals.models import Approval
from awooop.kit import ids
from awooop.kit.db import tenant_tx
from runs import parking


def ask(project_id="acme", run_id=None, lasts=timedelta(hours=1), **facts):
    """Make a run that waits, and its request."""
    now, agent_id = timezone.now(), facts.pop("agent_id", "sre-agent")
    with tenant_tx(project_id):
        run_id = run_id or parking.bear(
            project_id, agent_id, trace_id="", trigger_ref="t", actor="key:abc", reason="waits"
        )
        facts = {
            "gateway_id": "observability", "tool_name": "restart_deployment__observability",
            "arguments": {"name": "web", "namespace": "shop"}, "environment": "production",
            "action_sha256": ids.new_secret(), "call_key": "k", "title": "t", "risk": "medium",
            "description": "Restart it.", "requested_by": "key:abc",
            "blast_radius": {"scope": "write", "why": "restart"}, **facts,
        }  # fmt: skip
        return Approval.objects.create(
            project_id=project_id, run_id=run_id, agent_id=agent_id, created_at=now,
            expires_at=now + lasts, **facts,
        )  # fmt: skip


def vote(asked, who, decision=Decision.APPROVE, reason="seen"):
    """Let a person decide."""
    with tenant_tx(asked.project_id):
        return decisions.decide(
            asked.project_id, asked.approval_id, decision, approver=f"operator:{who}",
            reason=reason, at=timezone.now(),
        )  # fmt: skip


def found(asked):
    """Return the request as it stands now."""
    with tenant_tx(asked.project_id):
        return Approval.objects.get(approval_id=asked.approval_id)


def at(asked, act=""):
    """Return the address of a request's page, or of an act on it."""
    act = f"{act}/" if act else ""
    return f"/admin/approvals/{asked.project_id}/{asked.approval_id}/{act}"


def text(answer):
    return unescape(answer.content.decode())
