"""What a server said, without its secrets, the credential it was shown, and hidden characters."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from awooop.kit import redaction
from awooop.kit.redaction import tags
from gateway import visible
from gateway.echoes import Echoes
from gateway.providers.base import Secret

REDACTED = "redacted"
HIDDEN_TEXT = "hidden characters removed"
_DEEPEST = 64


class Cleaner:
    """Cleans one answer and remembers what that took.

    :param policy: what a project hides in addition.
    :param secrets: what the server was shown.
    """

    def __init__(self, policy: redaction.Policy | None, secrets: Iterable[Secret]) -> None:
        """Learn what is to be hidden."""
        self._policy = policy
        self._echoes = Echoes(secrets)
        self.notes: set[str] = set()

    def text(self, text: str) -> str:
        """Return a whole text cleaned.

        Read before and after hidden characters are taken out: they may stand in the middle of a
        secret, or be all that parts it from its neighbour.
        """
        cleaned = self._redacted(text)
        shown = visible.of(cleaned)
        if shown != cleaned:
            self.notes.add(HIDDEN_TEXT)
            shown = self._redacted(shown)
        return shown

    def beginning(self, text: str, most: int, slack: int) -> tuple[str, int]:
        """Return about the first ``most`` characters, cleaned, and how many were not read.

        What is kept is cut after reading: half a secret has lost the shape it is known by. So as
        much as ``slack`` is read beyond it, twice.
        """
        limit = most + 2 * slack
        if len(text) <= limit:
            return self.text(text), 0
        window = self._echoes.hidden(text[: limit + self._echoes.longest])[:limit]
        cleaned = self.text(window)
        return cleaned[: max(0, len(cleaned) - slack)], len(text) - limit + slack

    def value(self, value: Any, redacted: Any = None) -> Any:
        """Return a small JSON value cleaned; what is nested too deeply is hidden whole.

        :param redacted: the value without secrets, where it was read for them already and no
            server was shown any.
        """
        cleaned = redacted
        if redacted is None:
            cleaned = self._redacted_value(_mapped(value, self._echoes.hidden))
        shown = _mapped(cleaned, visible.of)
        if shown != cleaned:
            self.notes.add(HIDDEN_TEXT)
            shown = self._redacted_value(_mapped(shown, self._echoes.hidden))
        if shown != value:
            self.notes.add(REDACTED)
        return shown

    def is_clean(self, text: str) -> bool:
        """Tell whether a text holds no secret."""
        return self._redacted(text) == text

    def is_harmless(self, raw: bytes, encoded: str) -> bool:
        """Tell whether binary data holds no secret, as far as it can be read."""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text = raw.decode("latin-1")
            return self._echoes.hidden(text) == text and self._echoes.hidden(encoded) == encoded
        return self.is_clean(text) and self._echoes.hidden(encoded) == encoded

    def _redacted(self, text: str) -> str:
        cleaned = redaction.redact(self._echoes.hidden(text), self._policy)
        if cleaned != text:
            self.notes.add(REDACTED)
        return cleaned

    def _redacted_value(self, value: Any) -> Any:
        return redaction.redact(value, self._policy)


def _mapped(value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    """Return a copy with each text and each key changed; numbers are texts that look like them."""
    if isinstance(value, str):
        return change(value)
    if depth > _DEEPEST:
        return tags.placeholder(tags.UNREAD, type(value).__name__)
    if isinstance(value, dict):
        made: dict[str, Any] = {}
        for key, each in value.items():
            name = change(str(key))
            while name in made:
                name = f"{name}#{len(made)}"
            made[name] = _mapped(each, change, depth + 1)
        return made
    if isinstance(value, list | tuple):
        return [_mapped(each, change, depth + 1) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
    if isinstance(value, int | float) and not isinstance(value, bool):
        if abs(value) >= 10**300:
            return tags.placeholder(tags.UNREAD, type(value).__name__)
        spelled = str(value)
        return value if change(spelled) == spelled else change(spelled)
    return value
