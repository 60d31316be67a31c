"""The handbook's generated pages: every error code, the life of a run, every contract's fields.

They are made from the tables the code itself obeys, so that they cannot tell another story.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from django.conf import settings

from awooop.console import contract_book, markdown
from awooop.errors import Code
from runs import fsm
from runs.fsm import State

_SETTINGS = Path(__file__).resolve().parents[1] / "settings.py"

GROUPS = {
    "E-AUTH": "who is asking",
    "E-REQ": "what was asked",
    "E-TENANT": "projects",
    "E-RUN": "runs",
    "E-CONTRACT": "contracts",
    "E-BUDGET": "money",
    "E-SCHEMA": "agents' answers",
    "E-CHANNEL": "channels",
    "E-MCP-CRED": "the gateway's credentials",
    "E-MCP-EFFECT": "calls that change something",
    "E-MCP-GATE": "the gateway's five gates",
    "E-MCP-KILL": "kill switches",
    "E-MCP-TOOL": "the registry of tools",
    "E-MCP-UP": "tools' servers",
    "E-APPR": "approvals",
    "E-AUDIT": "the audit",
    "E-SYS": "the platform itself",
}

STATES = {
    State.PENDING: "It waits for a worker. The row itself is the place in the queue.",
    State.RUNNING: "One worker holds it under a lease.",
    State.WAITING_APPROVAL: "A human must decide. This time does not count against its timeout.",
    State.WAITING_TOOL: "A tool has been called and has not answered yet.",
    State.COMPLETED: "The work was done. Each step of its journal says what really happened.",
    State.FAILED: "The work could not be done. `error_code` and `error_detail` say why.",
    State.CANCELLED: "Somebody called it off. `error_detail` says who.",
    State.TIMEOUT: "Its time ran out before it ended.",
}

# The codes an ending leaves in error_code; an ending without a line here leaves none of its own.
ENDINGS = {
    State.FAILED: (
        Code.RUN_EXECUTOR_FAILED,
        Code.RUN_ATTEMPTS_SPENT,
        Code.CONTRACT_MISSING,
        Code.BUDGET_OVERSPENT,
    ),
    State.CANCELLED: (Code.RUN_CANCELLED, Code.APPROVAL_REJECTED, Code.APPROVAL_EXPIRED),
    State.TIMEOUT: (Code.RUN_TIMEOUT,),
}

_CALLED_OFF = "a key of the project or an approver cancelled it"
_LATE = "its `timeout_at` passed"
MOVES = {
    (State.PENDING, State.RUNNING): "a worker claimed it: a new lease under a new epoch",
    (State.PENDING, State.CANCELLED): _CALLED_OFF,
    (State.PENDING, State.TIMEOUT): _LATE,
    (
        State.RUNNING,
        State.PENDING,
    ): "its lease ran out and attempts are left, or a human's yes let it go on and nobody holds it",
    (State.RUNNING, State.WAITING_APPROVAL): "its next call needs a human's yes",
    (State.RUNNING, State.WAITING_TOOL): "its next call answers later",
    (State.RUNNING, State.COMPLETED): "its worker finished",
    (
        State.RUNNING,
        State.FAILED,
    ): "its worker gave up, its last attempt lost its worker, or a budget is overspent",
    (State.RUNNING, State.CANCELLED): f"{_CALLED_OFF}; its worker's lease is void at once",
    (State.RUNNING, State.TIMEOUT): _LATE,
    (State.WAITING_APPROVAL, State.RUNNING): "a human said yes",
    (State.WAITING_APPROVAL, State.FAILED): "it cannot go on whatever the decision",
    (
        State.WAITING_APPROVAL,
        State.CANCELLED,
    ): f"a human said no, nobody decided in time, or {_CALLED_OFF}",
    (
        State.WAITING_APPROVAL,
        State.TIMEOUT,
    ): "legal, but never the reaper's: a human takes the time",
    (State.WAITING_TOOL, State.RUNNING): "the tool answered",
    (State.WAITING_TOOL, State.FAILED): "the tool cannot answer any more",
    (State.WAITING_TOOL, State.CANCELLED): _CALLED_OFF,
    (State.WAITING_TOOL, State.TIMEOUT): _LATE,
}

TIMINGS = {
    "RUN_LEASE_SECONDS": "how long a worker holds a run after its last heartbeat",
    "RUN_REAPER_SECONDS": "how often lost leases and passed timeouts are looked for",
    "RUN_SWEEP_SECONDS": "how often the queue is swept, should every bell be lost",
    "RUN_BATCH": "how many runs one claim takes at most",
}


def pages() -> dict[str, str]:
    """Return every generated page by its file name."""
    return {
        "errors.md": _errors(),
        "run-lifecycle.md": _lifecycle(),
        "contracts.md": contract_book.page(),
    }


def folder() -> Path:
    """Return where the handbook is kept."""
    return Path(settings.BASE_DIR) / "docs"


def write() -> list[Path]:
    """Write the pages that are not current and return their paths."""
    folder().mkdir(exist_ok=True)
    changed = {folder() / name: page for name, page in pages().items() if page != _kept(name)}
    for path, page in changed.items():
        path.write_text(page, encoding="utf-8")
    return list(changed)


def stale() -> str:
    """Return what differs between the kept pages and the code, as a diff; empty when nothing."""
    lines: list[str] = []
    for name, page in pages().items():
        lines += difflib.unified_diff(
            _kept(name).splitlines(), page.splitlines(), f"docs/{name}", "the code", lineterm=""
        )
    return "\n".join(lines)


def group_of(code: Code) -> str:
    """Return the family a code's name belongs to, such as ``E-RUN``."""
    return code.value.rpartition("-")[0]


def _kept(name: str) -> str:
    path = folder() / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def _errors() -> str:
    lines = [
        "# Error codes",
        "",
        markdown.MADE,
        "",
        "Doors answer with `application/problem+json` (RFC 9457), whose `code` is one of these. Its"
        " `type` is the address of the code's own page, `/errors/<code>`. A run that ended early"
        " carries its code in `error_code`. What answered 429 or 503 may be sent again as it is,"
        " after the time in the Retry-After header; the others need a change first.",
    ]
    for group, codes in groupby(sorted(Code, key=lambda c: (group_of(c), c)), group_of):
        named = f": {GROUPS[group]}" if group in GROUPS else ""
        rows = [(f"`{c.value}`", str(c.http), f"{c.title}.", c.hint) for c in codes]
        lines += [
            "",
            f"## {group}{named}",
            "",
            *markdown.table(("code", "HTTP", "meaning", "do"), rows),
        ]
    return markdown.page(lines)


def _lifecycle() -> str:
    moves = [(was, now) for was in State for now in State if now in fsm.MOVES[was]]
    born, ended = f"    [*] --> {State.PENDING.value}", [s for s in State if s in fsm.TERMINAL]
    lines = [
        "# The life of a run",
        "",
        markdown.MADE,
        "",
        "A run is in one of eight states. It goes from one to the next only as drawn here, and the"
        " database refuses every other move. An ending never changes again. Each move raises"
        " `version` by one and leaves one row in `awooop_run_transition`: when, from where to"
        " where, by whom and why.",
        "",
        "```mermaid",
        "stateDiagram-v2",
        born,
        *(f"    {was.value} --> {now.value}" for was, now in moves),
        *(f"    {state.value} --> [*]" for state in ended),
        "```",
        "",
        "## States",
        "",
        *markdown.table(("state", "meaning"), [(f"`{s.value}`", STATES[s]) for s in State]),
        "",
        "## Moves",
        "",
        *markdown.table(
            ("from", "to", "when"), [(f"`{a}`", f"`{b}`", MOVES[a, b]) for a, b in moves]
        ),
        "",
        "## Endings",
        "",
        *markdown.table(("ending", "`error_code`", "what to do"), list(_endings(ended))),
        "",
        "## Times",
        "",
        *markdown.table(
            ("setting", "default", "meaning"),
            [(f"`{name}`", _default(name), meaning) for name, meaning in TIMINGS.items()],
        ),
        "",
        "The database's clock judges leases and timeouts; the clocks of the workers do not matter."
        " A claim raises `lease_epoch`, and every write of a worker names its epoch. A write under"
        " a stale epoch, after the lease or after the ending changes nothing.",
        "",
        "When a worker is lost, its runs are pending again after at most `RUN_LEASE_SECONDS` +"
        " `RUN_REAPER_SECONDS`, as long as attempts are left (`attempt_count` < `max_attempts`). A"
        " run's own time is `timeout_seconds` from its creation, 600 unless its creator said"
        " otherwise. It is put off by the time spent waiting for a human.",
    ]
    return markdown.page(lines)


def _endings(ended: Sequence[State]) -> Iterator[tuple[str, ...]]:
    for state in ended:
        for code in ENDINGS.get(state, ()):
            yield f"`{state.value}`", f"`{code.value}` {code.title}", code.hint
        if state not in ENDINGS:
            yield f"`{state.value}`", "none", "Nothing: read its steps."


def _default(name: str) -> str:
    """Return the default as the settings file spells it, whatever this process was given."""
    found = re.search(rf'"{name}", default=([\d_.]+)', _SETTINGS.read_text(encoding="utf-8"))
    if found is None:
        raise LookupError(f"settings.py gives {name} no plain default")
    return found[1]
