"""What a row, a key or an answer may keep of a text that others wrote."""

from awooop.kit.redaction import policy, tags, walk

_SLACK = 4_096  # read beyond what is kept: longer secrets are hidden by what they begin with
_SHORT = 200
_MOST_CLEAN = 10_000

_clean: dict[str, None] = {}


def excerpt(text: str, most: int) -> str:
    """Return at most ``most`` characters of a text without its secrets.

    The cut comes after the reading: half a secret has lost the shape it is known by. A text that is
    much longer than what is kept is not read to its end.
    """
    longest = most + 2 * _SLACK
    if len(text) <= longest:
        return _cleaned(text)[:most]
    cleaned = _cleaned(text[:longest])
    return cleaned[: min(most, max(0, len(cleaned) - _SLACK))]


def identity(text: str, most: int) -> str:
    """Return an identifier in the form that keys and rows hold it.

    One that holds a secret, or is too long, is hashed whole with the tagging key: equal ones stay
    equal, different ones different, and none can be found by trying.
    """
    if len(text) <= most and _cleaned(text) == text:
        return text
    return f"hidden-{tags.digest(text)}"


def _cleaned(text: str) -> str:
    """Return a text without its secrets. Short ones that hold none are remembered: names recur."""
    if text in _clean:
        return text
    cleaned = str(walk.redacted(text, policy.NONE))
    if cleaned == text and len(text) <= _SHORT:
        if len(_clean) >= _MOST_CLEAN:
            _clean.clear()
        _clean[text] = None
    return cleaned
