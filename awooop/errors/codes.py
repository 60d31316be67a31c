"""Every E-code AwoooP can answer with: the table."""

from enum import StrEnum


class Code(StrEnum):
    """One row per code: the code, the HTTP status it answers with, its title, what to do next."""

    def __new__(cls, spelled: str, hint: str) -> "Code":
        """Read ``E-CODE-001 404 The title``."""
        code, http, title = spelled.split(" ", 2)
        self = str.__new__(cls, code)
        self._value_ = code
        self._parts = (int(http), title, hint)  # type: ignore[misc]
        return self

    @property
    def http(self) -> int:
        """The HTTP status it answers with."""
        return self._parts[0]

    @property
    def title(self) -> str:  # type: ignore[override]  # a code has no use for str.title()
        """What happened."""
        return self._parts[1]

    @property
    def hint(self) -> str:
        """What to do next."""
        return self._parts[2]

    _parts: tuple[int, str, str]

    # Who is asking
    AUTH_MISSING = (
        "E-AUTH-001 401 No valid credential",
        "Send 'Authorization: Bearer awp.<project>.<secret>', or sign in.",
    )
    AUTH_FORBIDDEN = (
        "E-AUTH-002 403 This credential may not do that",
        "Ask a project admin for the role or key scope that this needs.",
    )
    AUTH_CSRF = (
        "E-AUTH-003 403 The CSRF check failed",
        "Send the csrftoken cookie back in the X-CSRFToken header.",
    )

    # What was asked
    BODY_NOT_JSON = (
        "E-REQ-001 400 The body is not JSON",
        "Send one well-formed JSON object.",
    )
    BODY_INVALID = (
        "E-REQ-002 422 The request does not have the expected shape",
        "Correct the fields named in 'errors' and send it again.",
    )
    BODY_TOO_LARGE = (
        "E-REQ-003 413 The body is too large",
        "Send at most 1 MiB; refer to larger inputs by a link.",
    )
    TOO_FAST = (
        "E-REQ-004 429 Too many requests",
        "Wait as long as the Retry-After header says, then go on.",
    )
    METHOD_UNKNOWN = (
        "E-REQ-005 405 This path does not take that method",
        "Use one of the methods in the Allow header.",
    )
    MEDIA_UNKNOWN = (
        "E-REQ-006 415 The body's media type is not understood",
        "Send Content-Type: application/json.",
    )
    NOT_ACCEPTABLE = (
        "E-REQ-007 406 None of the accepted media types can be produced",
        "Accept application/json.",
    )
    PATH_UNKNOWN = (
        "E-REQ-008 404 There is nothing at this address",
        "See /api/docs/ for every path.",
    )
    REQUEST_UNREADABLE = (
        "E-REQ-009 400 The request cannot be read",
        "Check the host name, the headers and the form; ALLOWED_HOSTS names the hosts served here.",
    )

    # Tenants
    TENANT_LEGACY = (
        "E-TENANT-001 403 The project has not been onboarded",
        "Move it past legacy mode: manage.py set_mode PROJECT shadow.",
    )
    TENANT_INACTIVE = (
        "E-TENANT-002 403 The project is switched off",
        "A platform admin can activate it in the console.",
    )
    TENANT_UNKNOWN = (
        "E-TENANT-003 404 No such project",
        "Check the project id; it is lower case, 2 to 64 characters.",
    )
    TENANT_MODE_STEP = (
        "E-TENANT-004 409 Modes go up one step at a time",
        "Promote through shadow, suggest, canary, active in that order.",
    )
    TENANT_EXISTS = (
        "E-TENANT-005 409 The project exists already",
        "Choose another id, or issue a new key for this one.",
    )
    TENANT_ID_INVALID = (
        "E-TENANT-006 422 That cannot be a project id",
        "Use 2 to 64 of a-z 0-9 _ - and start with a letter or a digit.",
    )

    TENANT_ZONE_UNKNOWN = (
        "E-TENANT-009 422 There is no such time zone",
        "Name a place as IANA does, such as Asia/Taipei, or UTC.",
    )
    MEMBER_UNKNOWN = (
        "E-TENANT-007 404 No such person in this project",
        "Check the user name; the console lists the accounts.",
    )
    KEY_UNKNOWN = (
        "E-TENANT-008 404 No such living key",
        "List the project's keys: manage.py api_key PROJECT list.",
    )

    # Runs
    RUN_EXECUTOR_FAILED = (
        "E-RUN-001 500 The executor failed",
        "Read error_detail on the run; retry it when the cause is gone.",
    )
    RUN_ILLEGAL_MOVE = (
        "E-RUN-002 409 The run is not in a state that allows this",
        "Reload the run: it moved first. Ended runs never change.",
    )
    RUN_UNKNOWN = (
        "E-RUN-003 404 No such run",
        "Check the run id and the project.",
    )
    RUN_EVENT_REUSED = (
        "E-RUN-004 409 This event id already stands for another input",
        "Use a new provider_event_id for a new event.",
    )
    RUN_TIMEOUT = (
        "E-RUN-005 504 The run did not end in its time",
        "Retry it, or give it a longer timeout_seconds.",
    )
    RUN_ATTEMPTS_SPENT = (
        "E-RUN-006 500 Every worker that took the run was lost",
        "Look at the workers' logs, then retry the run.",
    )
    RUN_CANCELLED = (
        "E-RUN-007 409 The run was cancelled",
        "Start a new run if the work is still wanted.",
    )
    RUN_PARENT_UNFIT = (
        "E-RUN-008 422 The parent run cannot be used",
        "Name an ended run of the same project to retry it.",
    )
    RUN_LEASE_LOST = (
        "E-RUN-009 409 The lease on the run was lost",
        "Nothing to do: another worker holds the run or it has ended.",
    )

    # Contracts
    CONTRACT_MISSING = (
        "E-CONTRACT-001 422 The agent has no active contract",
        "Publish and activate an agent contract with this agent_id.",
    )
    CONTRACT_INVALID = (
        "E-CONTRACT-002 422 The contract's body does not hold",
        "Correct every field named in 'errors'; docs/contracts.md describes them all.",
    )
    OUTPUT_INVALID = (
        "E-SCHEMA-001 422 The agent's answer does not fit its contract",
        "Read the run's last answer; correct the output_schema or the instructions.",
    )

    # Money
    BUDGET_SPENT = (
        "E-BUDGET-001 429 The budget of this period is spent",
        "Wait as long as the Retry-After header says, or ask an operator for a higher limit.",
    )
    BUDGET_UNFIT = (
        "E-BUDGET-002 429 The call might cost more than the budget has left",
        "Wait for calls in flight to settle, make the call smaller, or ask for a higher limit.",
    )
    BUDGET_OVERSPENT = (
        "E-BUDGET-003 402 The run was ended because a budget is overspent",
        "Raise the limit that error_detail names, then retry the run.",
    )
    PRICE_UNKNOWN = (
        "E-BUDGET-004 403 Nobody knows what that call would cost",
        "Name a known model, or give its price in the setting MODEL_PRICES.",
    )
    RESERVATION_CLOSED = (
        "E-BUDGET-005 409 There is no such open reservation",
        "Nothing to do: it was settled or released before, or never made.",
    )
    AMOUNT_INVALID = (
        "E-BUDGET-006 422 That cannot be a limit or an amount",
        "Give USD as a decimal and tokens as a whole number, neither negative, for a known period.",
    )

    CONTRACT_UNKNOWN = (
        "E-CONTRACT-003 404 No such contract revision",
        "Check the revision id and the project.",
    )
    CONTRACT_STEP = (
        "E-CONTRACT-004 409 The revision is not in a state that allows this",
        "Draft, publish, sign, activate, in that order; a published body never changes.",
    )
    CONTRACT_UNSOUND = (
        "E-CONTRACT-005 500 A contract is not what was signed",
        "Publish and activate a good revision; the audit and an export tell what it was.",
    )
    CONTRACT_QUORUM = (
        "E-CONTRACT-006 409 Too few people have signed this revision",
        "Ask further members to sign it; the project's policy says how many are needed.",
    )
    CONTRACT_KEY_UNFIT = (
        "E-CONTRACT-007 500 The key that signs contracts cannot be used",
        "Give CONTRACT_KEYS as id:secret with at least 32 characters, the newest first.",
    )

    # Channels
    CHANNEL_UNROUTED = (
        "E-CHANNEL-001 422 No agent handles this channel",
        "Open the channel for an agent: onboard_tenant does it for alertmanager.",
    )

    # The gateway: one code a reason, in the order its five gates ask
    GATE_TENANT = (
        "E-MCP-GATE-001 403 The project may not call tools",
        "Check that the project is active and onboarded, and that the key is of this project.",
    )
    GATE_AGENT = (
        "E-MCP-GATE-002 403 The agent has no sound contract",
        "Publish, sign and activate an agent contract for the agent_id that calls.",
    )
    GATE_TOOL = (
        "E-MCP-GATE-003 403 The agent has no such tool",
        "List the agent's tools; grant the tool in the agent contract, for its gateway.",
    )
    GATE_PIN = (
        "E-MCP-GATE-004 403 The tool's definition is not the one that was reviewed",
        "An operator compares the definitions on the tool's page and releases the tool.",
    )
    GATE_ARGUMENTS = (
        "E-MCP-GATE-005 422 The arguments do not fit the tool",
        "Correct the arguments that the reason names; the tool's input schema describes them.",
    )
    GATE_SCOPE = (
        "E-MCP-GATE-006 403 The agent may not use the tool this way",
        "Check the grant's scopes, the tool's environments and the policy's rules.",
    )
    GATE_RATE = (
        "E-MCP-GATE-007 429 The tool was called too often",
        "Wait as long as Retry-After says; the policy contract's rate_limits say how often.",
    )
    GATE_SHADOW = (
        "E-MCP-GATE-008 403 Shadow mode stops what could change anything",
        "Nothing was sent. Promote the project when its shadow runs look right.",
    )
    GATE_APPROVAL = (
        "E-MCP-GATE-009 403 The call needs a human decision",
        "Ask for an approval of exactly this call; a changed call needs another one.",
    )
    KILLED = (
        "E-MCP-KILL-001 403 A kill switch is thrown",
        "No call starts until an operator lifts it; the console's kill switches say why.",
    )
    SWITCH_UNKNOWN = (
        "E-MCP-KILL-002 404 No such kill switch is thrown",
        "List them: manage.py kill_switch list.",
    )
    UPSTREAM_AWAY = (
        "E-MCP-UP-001 503 The tool's server cannot be reached",
        "Check the server and the gateway contract's transport, then try again.",
    )
    UPSTREAM_LATE = (
        "E-MCP-UP-002 504 The tool's server did not answer in time",
        "Raise timeout_seconds in the gateway contract if the tool needs longer.",
    )
    UPSTREAM_TOO_LARGE = (
        "E-MCP-UP-003 502 The tool's answer is too large",
        "Ask for less: a smaller range, a page, a filter.",
    )
    UPSTREAM_BROKEN = (
        "E-MCP-UP-004 502 The tool's server broke the protocol",
        "Show its operator the call's record: the answer was not valid MCP.",
    )
    UPSTREAM_BUSY = (
        "E-MCP-UP-005 503 The tool's server is busy or resting",
        "Nothing was sent. Try again in a moment; concurrent_calls says how many fit.",
    )
    UPSTREAM_ADDRESS = (
        "E-MCP-UP-006 403 The address may not be reached",
        "Nothing was sent. Name a private network in the contract's private_addresses.",
    )
    CALLER_GONE = (
        "E-MCP-UP-007 408 Whoever called did not wait for the answer",
        "Keep the connection open for as long as the tool takes.",
    )
    CREDENTIAL_AWAY = (
        "E-MCP-CRED-001 503 The credential cannot be resolved",
        "Nothing was sent. Check what the contract's credential_ref refers to.",
    )
    EFFECT_OPEN = (
        "E-MCP-EFFECT-001 409 The outcome of this very call is not known yet",
        "It is never repeated blindly: wait for its probe, or resolve it in the console.",
    )
    EFFECT_UNKNOWN = (
        "E-MCP-EFFECT-002 404 No such effect waits for its outcome",
        "List the open effects; this one may have been resolved.",
    )
    EFFECT_DONE = (
        "E-MCP-EFFECT-003 409 The call was made before",
        "Nothing was sent again; the effect of this key or ticket says how it ended.",
    )
    TOOL_UNKNOWN = (
        "E-MCP-TOOL-001 404 No such tool is registered",
        "Refresh the gateway: manage.py gateway refresh PROJECT.",
    )
    TOOL_CHANGED = (
        "E-MCP-TOOL-002 409 The tool is not what you looked at",
        "Look at its definition again, then decide.",
    )
    TOOL_UNFIT = (
        "E-MCP-TOOL-003 422 The tool's name or definition cannot be used",
        "Its page names what is wrong: a colliding or hidden name, or a schema we refuse.",
    )

    # Approvals
    APPROVAL_UNKNOWN = (
        "E-APPR-001 404 No such approval",
        "Check the run's or the approval's id, and the project.",
    )
    APPROVAL_DECIDED = (
        "E-APPR-002 409 Nothing waits for a decision here",
        "Look at its state: it was decided, expired, or its run has ended.",
    )
    APPROVAL_OWN = (
        "E-APPR-003 403 Nobody decides on a request of their own",
        "Ask somebody else with the role approver.",
    )
    APPROVAL_VOTED = (
        "E-APPR-004 409 You have voted on this already",
        "Wait for the others; each counts once.",
    )
    APPROVAL_TICKET = (
        "E-APPR-005 403 The approval token opens nothing",
        "It is forged, spent, out of date or for another action. Ask for an approval of this one.",
    )
    ACTION_UNREAD = (
        "E-APPR-006 422 The action cannot be read as one call",
        "Write one kubectl command, one for a host, a tool with its arguments, or NO_ACTION.",
    )
    OPERATION_UNKNOWN = (
        "E-APPR-007 404 No such incident, operation or playbook",
        "Check the id and the project.",
    )
    APPROVAL_REJECTED = (
        "E-APPR-REJECTED 403 A human said no",
        "Read the reason on the approval's page; nothing was done.",
    )
    APPROVAL_EXPIRED = (
        "E-APPR-EXPIRED 403 Nobody decided in time",
        "Nothing was done. Ask again, or give the policy a longer expires_seconds.",
    )

    # Audit
    AUDIT_UNWRITABLE = (
        "E-AUDIT-001 503 The evidence of this act could not be written",
        "Nothing was done. Check that the database takes writes, then try again.",
    )
    AUDIT_BROKEN = (
        "E-AUDIT-002 500 The audit chain is broken",
        "Change nothing; compare the database with your latest export: manage.py audit_verify.",
    )
    AUDIT_UNREADABLE = (
        "E-AUDIT-003 422 This is not an audit export that can be read",
        "Give the file that manage.py audit_export wrote, unchanged.",
    )
    AUDIT_KEY_UNFIT = (
        "E-AUDIT-004 500 The audit's signing or verifying key cannot be used",
        "Give 64 hex digits; manage.py audit_key --new makes a pair.",
    )

    # The platform itself
    UNAVAILABLE = (
        "E-SYS-001 503 The platform cannot answer just now",
        "Nothing was done. Try again in a few seconds.",
    )
    INTERNAL = (
        "E-SYS-002 500 Something went wrong on our side",
        "Nothing was done. Report the request id; the log has the rest.",
    )
