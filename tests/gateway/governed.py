"""A project whose agent may use an upstream's tools: contracts signed, definitions released."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import connections
from django.utils import timezone

from awooop.kit import canonical
from awooop.kit.db import tenant_tx
from awooop.tenants.models import Project
from awooop.tenants.modes import Mode
from contracts import lifecycle, queries
from contracts.models import Family
from gateway.models import Provider, Standing, Tool
from gateway.registry import pins
from gateway.shapes import Call

GATEWAY = "shop"
_TIMES = {"awooop_tool_effect": "claimed_at", "awooop_audit_event": "at"}
LAX = {
    "approval": {"required_scopes": []},
    "quorum": {"activation": 1},
    "shadow": {"reads": "execute"},
    "rate_limits": {"per_agent_per_minute": 100_000, "per_tool_per_minute": 100_000},
}


def listed_now(project_id: str) -> None:
    """Let the project's servers have been asked for their tools just now."""
    with tenant_tx(project_id):
        Provider.objects.update(listed_at=timezone.now())


@dataclass
class Governed:
    """One project, one gateway contract, one agent."""

    project_id: str
    agent_id: str
    url: str
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)

    def offer(self, name: str, definition: Mapping[str, Any], **contract: Any) -> None:
        """Grant a tool; released as its server defines it."""
        declared = {"is_destructive": False, "scope": "read", **contract}
        self.tools[name] = {"tool_name": name, **declared}
        pin = pins.of(dict(definition), "")
        with tenant_tx(self.project_id):
            Tool.objects.update_or_create(
                project_id=self.project_id,
                gateway_id=GATEWAY,
                tool_name=name,
                defaults={
                    "standing": Standing.RELEASED,
                    "definition": dict(definition),
                    "pin_sha256": pin,
                    "seen": dict(definition),
                    "seen_sha256": pin,
                    "first_seen_at": timezone.now(),
                    "last_seen_at": timezone.now(),
                },
            )

    def sign(self, policy: Mapping[str, Any] | None = None, **gateway: Any) -> None:
        """Put the contracts in force, as they are now."""
        body = {
            "provider": GATEWAY,
            "transport": {"kind": "streamable_http", "url": self.url},
            "private_addresses": ["127.0.0.1/32"],
            "timeout_seconds": 5,
            "tools": list(self.tools.values()),
            **gateway,
        }
        grants = [
            {"tool_name": name, "mcp_gateway_id": GATEWAY, "scopes": ["admin", "read", "write"]}
            for name in self.tools
        ]
        self.install(Family.POLICY, "default", {**LAX, **(policy or {})})
        self.install(Family.MCP_GATEWAY, GATEWAY, body)
        self.install(Family.AGENT, self.agent_id, {"agent_id": self.agent_id, "tools": grants})
        listed = {"body_hash": canonical.sha256_of(body), "listed_at": timezone.now()}
        with tenant_tx(self.project_id):
            Provider.objects.update_or_create(
                project_id=self.project_id, gateway_id=GATEWAY, defaults=listed
            )

    def install(self, family: Family, contract_id: str, body: dict[str, Any]) -> None:
        with tenant_tx(self.project_id):
            lifecycle.install(
                self.project_id, family, contract_id, body, actor="test", at=timezone.now()
            )
        queries.forget()

    def go(self, mode: Mode) -> None:
        with tenant_tx(self.project_id):
            Project.objects.filter(project_id=self.project_id).update(migration_mode=mode)

    def call(self, tool: str, arguments: Mapping[str, Any] | None = None, **changed: Any) -> Call:
        asked = {
            "project_id": self.project_id,
            "home_id": self.project_id,
            "agent_id": self.agent_id,
            "tool": f"{tool}__{GATEWAY}",
            "arguments": dict(arguments or {}),
            "actor": "key:test",
        }
        return Call(**{**asked, **changed})

    async def first_row(self) -> None:
        """Wait until a call has been recorded."""

        def look() -> bool:
            try:
                return bool(self.rows())
            finally:
                connections.close_all()

        while not await asyncio.to_thread(look):
            await asyncio.sleep(0.01)

    def rows(self, table: str = "awooop_mcp_gateway_audit") -> list[dict[str, Any]]:
        """Return the project's rows of a table, oldest first."""
        with tenant_tx(self.project_id), connections["default"].cursor() as cursor:
            cursor.execute(f"SELECT row_to_json(t)::text FROM {table} t")
            found = [json.loads(text) for (text,) in cursor.fetchall()]
        return sorted(found, key=lambda row: row.get(_TIMES.get(table, "created_at"), ""))
