"""One real event pushed through a running AwoooP from outside, over HTTP, as Alertmanager would."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

RUN_SECONDS = 30
LOOK_SECONDS = 0.05
READ, WRITE = "get_pods__cluster", "restart_deployment__cluster"
BLOCKED = "E-MCP-GATE-008"
TERMINAL = {"completed", "failed", "cancelled", "timeout"}

# A proxy meant for the world must not be asked about this machine.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Failed(Exception):
    """The event did not come through; the text says why."""


def is_ready(url: str) -> bool:
    """Whether the web answers that it is ready."""
    try:
        with _opener.open(f"{url}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def perform(url: str, key: str, *, say: Callable[[str], None]) -> None:
    """Send an alert to the demo tenant and follow its run to the end.

    :raises Failed: it is refused, ends badly, or does not end.
    """
    begin = time.monotonic()
    accepted = _ask(f"{url}/v1/channels/awoooi/alertmanager", key, body=_alert())
    run_id = accepted.get("run_id")
    if not run_id:
        raise Failed(f"the event was answered without a run_id: {accepted}")
    say(f"  ✓ {'event accepted':<24}{time.monotonic() - begin:5.2f} s   run {run_id}")
    begin = time.monotonic()
    run = _ask(f"{url}/v1/platform/runs/{run_id}", key)
    while run.get("state") not in TERMINAL:
        if time.monotonic() - begin > RUN_SECONDS:
            raise Failed(f"run {run_id} is still {run.get('state')} after {RUN_SECONDS} s")
        time.sleep(LOOK_SECONDS)
        run = _ask(f"{url}/v1/platform/runs/{run_id}", key)
    if run["state"] != "completed":
        raise Failed(f"run {run_id} ended {run['state']} ({run.get('error_code')})")
    say(f"  ✓ {'run completed':<24}{time.monotonic() - begin:5.2f} s")
    _call_tools(url, key, say)


def _call_tools(url: str, key: str, say: Callable[[str], None]) -> None:
    """Call a tool that looks, which passes, and one that changes something, which must not."""
    door = f"{url}/v1/platform/gateway/call"
    begin = time.monotonic()
    answer = _ask(door, key, body={"tool": READ, "arguments": {}})
    if answer.get("status") != "success":
        raise Failed(f"{READ} was not called: {answer}")
    say(f"  ✓ {'tool called':<24}{time.monotonic() - begin:5.2f} s   {READ}")
    begin = time.monotonic()
    try:
        answer = _ask(door, key, body={"tool": WRITE, "arguments": {"name": "shop-web"}})
    except Failed as refusal:
        if BLOCKED not in str(refusal):
            raise
    else:
        raise Failed(f"{WRITE} was not blocked: {answer}")
    say(f"  ✓ {'tool blocked':<24}{time.monotonic() - begin:5.2f} s   {WRITE} {BLOCKED}")


def _alert() -> dict[str, Any]:
    name = f"Rehearsal{secrets.token_hex(4)}"  # a new group each time, hence a new event
    now = datetime.now(UTC).isoformat()
    labels = {"alertname": name, "severity": "info", "instance": "rehearsal"}
    notes = {"summary": "A rehearsal: nothing is wrong."}
    alert = {
        "status": "firing",
        "labels": labels,
        "annotations": notes,
        "startsAt": now,
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": secrets.token_hex(8),
    }
    return {
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{name}"}}',
        "truncatedAlerts": 0,
        "status": "firing",
        "receiver": "awooop",
        "groupLabels": {"alertname": name},
        "commonLabels": labels,
        "commonAnnotations": notes,
        "externalURL": "",
        "alerts": [alert],
    }


def _ask(url: str, key: str, *, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 (our own http address)
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with _opener.open(request, timeout=10) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as refusal:
        said = refusal.read(500).decode(errors="replace")
        raise Failed(f"{url} answered {refusal.code}: {said}") from None
    except (OSError, ValueError) as reason:
        raise Failed(f"{url} did not answer: {reason}") from None
    return found if isinstance(found, dict) else {}
