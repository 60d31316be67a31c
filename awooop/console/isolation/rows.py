"""Rows made from the catalogue alone, for two tenants that never were.

Nothing is committed. Where the catalogue does not say enough (a hash, a trace id, a table that only
a trigger writes), :data:`SAMPLES` and :data:`RECIPES` do.
"""

import re
import secrets
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

from django.db import DatabaseError

from awooop.console.isolation.catalogue import Column, ForeignKey, Table
from awooop.console.isolation.hand import REFUSED, TOO_SLOW, Hand, Outcome, Stance, stopped
from awooop.console.isolation.rules import APP, WORKER

_SHA256 = "0123456789abcdef" * 4

# By column name, as a regular expression: what no type tells.
SAMPLES: tuple[tuple[str, str], ...] = (
    (r"trace_id", f"00-{_SHA256[:32]}-{_SHA256[:16]}-01"),
    (r".*(_sha256|_hash|_digest|digest)", _SHA256),
    (r"version|version_major|.*_seq|seq", "1"),
    (r"lease_epoch|version_minor|.*_count|attempts|.*_usd", "0"),
    (r"state|was|.*_state|standing", "pending"),
    (r"disposition", ""),
    (r"voter", "operator:probe"),
    (r"now", "running"),
    (r"result_status", "intent"),
    (r"outcome", "claimed"),
    (r"trigger_type", "api"),
    (r".*email", "probe@example.invalid"),
)

_CLAIM = """
UPDATE public.awooop_run_state
   SET state = 'running', version = version + 1, lease_epoch = lease_epoch + 1,
       attempt_count = attempt_count + 1, moved_by = 'doctor', move_reason = 'probe',
       worker_id = 'doctor', lease_expires_at = clock_timestamp() + interval '1 minute',
       heartbeat_at = clock_timestamp(), started_at = clock_timestamp()
 WHERE project_id = %(tenant)s AND state = 'pending'
"""
_STEP = """
INSERT INTO public.awooop_run_step_journal
       (project_id, run_id, step_seq, tool_name, result_status, was_blocked, lease_epoch,
        created_at)
SELECT project_id, run_id, 1, 'probe', 'intent', false, lease_epoch, clock_timestamp()
  FROM public.awooop_run_state WHERE project_id = %(tenant)s AND state = 'running' LIMIT 1
"""

_LIMIT = """
INSERT INTO public.awooop_budget
       (project_id, scope, agent_id, period, limit_usd, changed_by, changed_at)
VALUES (%(tenant)s, 'project', '', 'day', {usd}, 'doctor', clock_timestamp())
ON CONFLICT (project_id, scope, agent_id, period) DO UPDATE SET limit_usd = EXCLUDED.limit_usd
"""
_TIGHT, _WIDE = _LIMIT.format(usd=1), _LIMIT.format(usd=1000)
_ENTRY = """
INSERT INTO public.awooop_budget_ledger
       (project_id, entry_id, kind, reservation_id, agent_id, usd, tokens, purpose, actor)
SELECT %(tenant)s, gen_random_uuid(), '{kind}', {reservation}, 'probe', 0.5, 1, 'probe', 'doctor'
"""
_RESERVE = _ENTRY.format(kind="reserve", reservation="gen_random_uuid()")
_SETTLE = (
    _ENTRY.format(kind="settle", reservation="h.reservation_id")
    + " FROM public.awooop_budget_hold h WHERE h.project_id = %(tenant)s"
)
_EVIDENCE = """
INSERT INTO public.awooop_audit_event
       (project_id, event_id, act, actor, target_type, target, outcome, facts, content_sha256)
VALUES (%(tenant)s, gen_random_uuid(), 'probe', 'doctor', 'probe', 'probe', 'success', '{}', '')
"""

_PUBLISHED = """
UPDATE public.awooop_contract_revision
   SET lifecycle_status = 'published', version_major = 1, version_minor = 0,
       published_at = clock_timestamp(), key_id = 'probe', signature = ''
 WHERE project_id = %(tenant)s AND lifecycle_status = 'draft'
"""
_SIGNED = """
INSERT INTO public.awooop_contract_signature
       (project_id, id, revision_id, signer, body_hash, signed_at, key_id, signature)
SELECT project_id, gen_random_uuid(), revision_id, 'probe', body_hash, clock_timestamp(), 'probe',
       ''
  FROM public.awooop_contract_revision
 WHERE project_id = %(tenant)s AND lifecycle_status = 'published' LIMIT 1
"""

_INCIDENT = """
INSERT INTO public.awooop_incident
       (project_id, incident_id, title, category, severity, status, source, anomaly_key, opened_at)
VALUES (%(tenant)s, gen_random_uuid(), 'probe', 'probe', 'info', 'open', 'probe', '',
        clock_timestamp())
"""
_OPERATION = """
INSERT INTO public.awooop_operation
       (project_id, operation_id, agent_id, kind, action, description, gateway_id, tool_name,
        environment, arguments, risk, requested_by, is_auto_approved, stage, outcome, attempts,
        error, stderr, verdict, verdict_note, looks, rollback_note, tries, created_at)
VALUES (%(tenant)s, gen_random_uuid(), 'probe', 'call', 'probe', '', '', '', '', '{}', '', 'probe',
        false, 'proposed', '', 0, '', '', '', '', 0, '', 0, clock_timestamp())
"""
# A further ticket comes only after an effect that never left, of a request that was approved.
_ASKED = """
INSERT INTO public.awooop_approval
       (project_id, approval_id, run_id, agent_id, gateway_id, tool_name, environment, arguments,
        action_sha256, call_key, title, description, risk, required_signatures,
        requester_may_approve, requested_by, blast_radius, standing, disposition, reason, is_edited,
        changes, created_at, expires_at)
SELECT project_id, gen_random_uuid(), run_id, 'probe', '', 'probe', '', '{}', 'recipe', '', '', '',
       'low', 1, false, 'probe', '{}', 'pending', '', '', false, '[]', clock_timestamp(),
       clock_timestamp()
  FROM public.awooop_run_state WHERE project_id = %(tenant)s LIMIT 1
"""
_VOTED = """
INSERT INTO public.awooop_approval_vote
       (project_id, approval_id, voter, is_yes, comment, voted_at)
SELECT project_id, approval_id, 'operator:doctor', true, '', clock_timestamp()
  FROM public.awooop_approval WHERE project_id = %(tenant)s AND action_sha256 = 'recipe'
"""
_APPROVED = """
UPDATE public.awooop_approval SET standing = 'approved', ticket_id = 'recipe'
 WHERE project_id = %(tenant)s AND action_sha256 = 'recipe'
"""
_CLAIMED = """
INSERT INTO public.awooop_tool_effect
       (project_id, effect_id, agent_id, actor, trace_id, gateway_id, tool_name, environment,
        arguments, args_sha256, action_sha256, ticket_id, outcome, note, claimed_at, expires_at)
VALUES (%(tenant)s, gen_random_uuid(), 'probe', 'doctor', '', '', 'probe', '', '{}', '', 'recipe',
        'recipe', 'claimed', '', clock_timestamp(), clock_timestamp())
"""
_STAYED = """
UPDATE public.awooop_tool_effect SET outcome = 'error', is_unsent = true, resolved_by = 'doctor'
 WHERE project_id = %(tenant)s AND ticket_id = 'recipe'
"""
_TICKET = """
INSERT INTO public.awooop_approval_ticket (project_id, approval_id, number, ticket_id, issued_at)
SELECT project_id, approval_id, 2, 'recipe-2', clock_timestamp()
  FROM public.awooop_approval WHERE project_id = %(tenant)s AND action_sha256 = 'recipe'
"""

# Tables that only a trigger writes, or only at a certain moment: what leads to a row, after those
# of their parents are there.
RECIPES: dict[str, tuple[str, ...]] = {
    "awooop_run_transition": (_CLAIM,),
    "awooop_run_step_journal": (_CLAIM, _STEP),
    "awooop_budget": (_WIDE,),
    "awooop_budget_account": (_WIDE, _RESERVE),
    "awooop_budget_alert": (_WIDE, _RESERVE, _TIGHT, _SETTLE),
    "awooop_budget_hold": (_WIDE, _RESERVE),
    "awooop_budget_ledger": (_WIDE, _RESERVE),
    "awooop_contract_signature": (_PUBLISHED, _SIGNED),
    "awooop_audit_event": (_EVIDENCE,),
    "awooop_audit_chain": (_EVIDENCE,),
    "awooop_incident": (_INCIDENT,),
    "awooop_operation": (_OPERATION,),
    "awooop_approval_ticket": (_ASKED, _VOTED, _APPROVED, _CLAIMED, _STAYED, _TICKET),
}

_NUMBERS = {
    "smallint": ("1", "0"),
    "integer": ("1", "0"),
    "bigint": ("1", "0"),
    "numeric": ("1", "0"),
    "real": ("1", "0"),
    "double precision": ("1", "0"),
}
_FIXED = {
    "boolean": ("false", "true"),
    "json": ("{}", "[]"),
    "jsonb": ("{}", "[]"),
    "bytea": ("\\x00", "\\x"),
    "inet": ("127.0.0.1", "::1"),
    "interval": ("1 second", "0"),
}
_LITERAL = re.compile(r"'((?:[^']|'')*)'::(?:character varying|text|bpchar)")
_MOST_BRANCHES = 3

Values = dict[str, str]


@dataclass(slots=True)
class Rows:
    """The rows of one probe tenant, by table oid, and what could not be made."""

    tenant: str
    rows: dict[int, Values] = field(default_factory=dict)
    failures: dict[int, str] = field(default_factory=dict)
    busy: set[int] = field(default_factory=set)


def make(hand: Hand, table: Table, rows: Rows) -> None:
    """Insert one row of ``table`` for a tenant, by whichever role may, and remember its values."""
    refusals = [_inserted(hand, table, rows, role) for role in (APP, WORKER)]
    if table.oid in rows.rows or _follow_recipe(hand, table, rows):
        return
    rows.failures[table.oid] = next(reason.message for reason in refusals if reason)


def _inserted(hand: Hand, table: Table, rows: Rows, role: str) -> Outcome | None:
    """Try one row after the other as one role; return the first refusal when none is accepted."""
    first: Outcome | None = None
    stance = Stance(role, rows.tenant)
    if table.oid in rows.rows or table.oid in rows.busy:
        return None
    for values in variants(table, rows):
        try:
            with hand.keeping(stance):
                hand.run(insertion(table, values), list(values.values()))
        except DatabaseError as error:
            refusal = stopped(error)
            first = first or refusal
            if refusal.sqlstate in TOO_SLOW:
                rows.busy.add(table.oid)
            if refusal.sqlstate in (REFUSED, *TOO_SLOW):
                return refusal
        else:
            rows.rows[table.oid] = _as_stored(hand, table, stance, values)
            return None
    return first


def insertion(table: Table, values: Values) -> str:
    """Return the statement that inserts ``values``; its parameters are they."""
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(f"%s::{table.columns[name].type}" for name in values)
    return f"INSERT INTO {table.sql} ({names}) OVERRIDING SYSTEM VALUE VALUES ({marks})"


def variants(table: Table, rows: Rows) -> Iterator[Values]:
    """Give several rows to try, the plainest first."""
    for full, branch, number in product((False, True), range(_MOST_BRANCHES), (0, 1)):
        yield fresh(table, rows, full=full, branch=branch, number=number)


def fresh(
    table: Table, rows: Rows, *, full: bool = False, branch: int = 0, number: int = 0
) -> Values:
    """Return new values for one row.

    :param full: also for columns that may be null or have a default.
    :param branch: which of the values a CHECK constraint lists.
    :param number: which of the two samples of a plain type.
    """
    told = _told_by_checks(table, branch)
    values: Values = {}
    for place, column in enumerate(table.columns.values()):
        needed = (column.required and not column.has_default) or column.name in table.keys
        if needed or full:
            values[column.name] = told.get(column.name) or _sample(column, place, number)
    for key in table.foreign_keys:
        _point(values, key, rows, wanted=table.is_bound(key) or full)
    if table.is_tenant:
        values["project_id"] = rows.tenant
    return values


def _point(values: Values, key: ForeignKey, rows: Rows, *, wanted: bool) -> None:
    parent = rows.rows.get(key.target)
    for column, ref in zip(key.columns, key.refs, strict=True):
        if wanted and parent and ref in parent:
            values[column] = parent[ref]
        elif column != "project_id" and not wanted:
            values.pop(column, None)


def _sample(column: Column, place: int, number: int) -> str:
    if column.label is not None:
        return column.label
    if (sample := _usual(column.name)) is not None:
        return secrets.token_hex(32) if sample is _SHA256 else sample  # no two rows alike
    kind = column.type.partition("(")[0]
    if column.type.endswith("[]"):
        return "{}"
    if kind == "uuid":
        return str(uuid.uuid4())
    if kind == "bigint" and column.name == "id":
        return str(secrets.randbits(62))  # an identity's own number would be spent for good
    if kind in _NUMBERS or kind in _FIXED:
        return (_NUMBERS.get(kind) or _FIXED[kind])[number]
    if kind.startswith(("timestamp", "date", "time")):
        return str(datetime.now(UTC) + timedelta(minutes=place))  # later columns, later times
    return f"probe{secrets.token_hex(8)}"


@cache
def _usual(name: str) -> str | None:
    return next((sample for pattern, sample in SAMPLES if re.fullmatch(pattern, name)), None)


def _told_by_checks(table: Table, branch: int) -> Values:
    """Return values that the CHECK constraints list, those of one column alone before others."""
    told: Values = {}
    for columns, text in sorted(table.checks, key=lambda check: len(check[0])):
        if "~" in text:
            continue
        for name in columns:
            column = table.columns.get(name)
            if column is None or not column.type.startswith(("character", "text")):
                continue
            if listed := _listed(text, name, alone=len(columns) == 1):
                told.setdefault(name, listed[branch % len(listed)])
    return told


def _listed(text: str, name: str, *, alone: bool) -> list[str]:
    if alone:
        return [found.replace("''", "'") for found in _LITERAL.findall(text)]
    return re.findall(rf"\b{re.escape(name)}\)?(?:::text)? = '([^']*)'", text)


def _as_stored(hand: Hand, table: Table, stance: Stance, values: Values) -> Values:
    """Return the row as it stands, defaults and triggers included, where it can be read."""
    if not table.is_tenant:
        return values
    names = list(table.columns)
    casts = ", ".join(f'"{name}"::text' for name in names)
    try:
        with hand.undoing(stance):
            found = hand.run(
                f"SELECT {casts} FROM {table.sql} WHERE project_id = %s LIMIT 1", [stance.tenant]
            )
    except DatabaseError:
        return values
    if not found:
        return values
    return {name: value for name, value in zip(names, found[0], strict=True) if value is not None}


def _follow_recipe(hand: Hand, table: Table, rows: Rows) -> bool:
    recipe = RECIPES.get(table.name)
    if recipe is None or table.oid in rows.busy:
        return False
    stance = Stance(APP, rows.tenant)
    try:
        with hand.keeping(stance):
            for statement in recipe:
                hand.run(statement, {"tenant": rows.tenant})
    except DatabaseError:
        return False
    stored = _as_stored(hand, table, stance, {})
    if stored:
        rows.rows[table.oid] = stored
    return bool(stored)
