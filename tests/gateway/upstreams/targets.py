"""Targets for the tests' own servers."""

import time
from typing import Any

from gateway.providers.base import Permit, Target


def permit(seconds: float = 5) -> Permit:
    return Permit(time.monotonic() + seconds)


def http(url: str, **fields: Any) -> Target:
    transport = {"kind": "streamable_http", "url": url, "credential_header": "Authorization"}
    return _target(
        **{"transport": transport, "private_addresses": ("127.0.0.0/8",), **fields},
    )


def stdio(command: list[str], **fields: Any) -> Target:
    return _target(transport={"kind": "stdio", "command": command, "environment": {}}, **fields)


def _target(**fields: Any) -> Target:
    return Target(
        **{"project_id": "acme", "gateway_id": "ops", "body_hash": "1" * 64, **fields},
    )
