"""Regular expressions that cannot be slow: an engine without back references and look-around."""

from functools import lru_cache

import jsonschema_rs

# Repeats of repeats make small patterns large; a compiled pattern keeps within these bytes.
OPTIONS = jsonschema_rs.RegexOptions(size_limit=64 * 1024, dfa_size_limit=512 * 1024)
LONGEST = 200


@lru_cache(maxsize=1_024)
def _compiled(pattern: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        {"pattern": pattern}, pattern_options=OPTIONS, offline=True
    )


def is_pattern(pattern: str) -> bool:
    """Tell whether the engine takes a pattern: well-formed, linear, and not too large."""
    if len(pattern) > LONGEST:
        return False
    try:
        _compiled(pattern)
    except (ValueError, UnicodeError):
        return False
    return True


def matches(pattern: str, text: str) -> bool:
    """Tell whether a pattern that :func:`is_pattern` knows matches somewhere in a text."""
    return _compiled(pattern).is_valid(text)
