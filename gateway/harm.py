"""Would this call change anything? The strictest verdict of name, arguments and declaration."""

from gateway import commands, names, payloads


def declared_reason(declared: dict) -> str | None:
    """Judge what the contract or its server declares; annotations only tighten."""
    notes = declared.get("annotations")
    if not isinstance(notes, dict | None):
        return "annotations are malformed"
    scopes = [declared.get(key) for key in ("scope", "required_scope", "scopes")]
    flat = [item for one in scopes for item in (one if isinstance(one, list) else [one])]
    if any(one is not None and str(one).strip().lower() != "read" for one in flat):
        return "declared scope is more than read"
    harms = [
        declared.get("is_destructive"),
        *((notes or {}).get(key) for key in commands.HARM_HINTS),
    ]
    reads = [(notes or {}).get(key) for key in commands.READ_HINTS]
    if any(hint is not None and hint is not False for hint in harms):
        return "declared destructive"
    changes = any(hint is not None and hint is not True for hint in reads)
    return "declared not to be read-only" if changes else None


def why(tool_name: str, arguments: dict, declared: dict | None) -> str | None:
    """Say why a call counts as destructive, or None when it only reads."""
    return of_tool(tool_name, declared) or of_arguments(tool_name, arguments)


def of_tool(tool_name: str, declared: dict | None) -> str | None:
    """Say why every call of a tool counts as destructive, whatever its arguments."""
    try:
        if not isinstance(tool_name, str):
            return "malformed call"
        if not isinstance(declared, dict):
            return "unknown tool"
        declared_read = declared.get("is_destructive") is False and bool(declared.get("scope"))
        return declared_reason(declared) or names.reason(tool_name, declared_read)
    except Exception as error:  # noqa: BLE001 - a call that cannot be judged must not pass
        return f"could not be judged: {type(error).__name__}"


def of_arguments(tool_name: str, arguments: dict) -> str | None:
    """Say why arguments make a call destructive."""
    try:
        if not isinstance(arguments, dict):
            return "malformed call"
        return payloads.reason(arguments, payloads.tool_of(tool_name))
    except Exception as error:  # noqa: BLE001 - a call that cannot be judged must not pass
        return f"could not be judged: {type(error).__name__}"


def is_destructive(tool_name: str, arguments: dict, declared: dict | None) -> bool:
    """Judge by the strictest of name, arguments and declaration."""
    return why(tool_name, arguments, declared) is not None
