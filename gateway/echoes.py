"""A server may say its credential back: found in the usual spellings, wherever it stands.

Redaction knows shapes; here the value itself is known, so nothing needs to look like a secret.
"""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from awooop.kit.redaction import tags, values
from gateway.providers.base import Listing, Secret

_SHORT = 6  # a shorter value is hidden where it stands as a word of its own
_LEAST_PART = 12  # of a value with several: a line of a key, what follows "Bearer", a password
_MOST_PARTS = 400
_BETWEEN = re.compile(r"[\s:@\"',=]+")
_MIXED = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9])", re.DOTALL)


class Echoes:
    """The spellings of some secrets; for the time of one call, as they are."""

    __slots__ = ("_forms", "_words")

    def __init__(self, secrets: Iterable[Secret]) -> None:
        """Spell the secrets."""
        forms: dict[str, str] = {}
        self._words: list[tuple[re.Pattern[str], str]] = []
        for secret in secrets:
            value = secret.reveal().strip()
            mark = tags.placeholder(tags.CREDENTIAL, value)
            if len(value) >= _SHORT:
                forms |= dict.fromkeys(_spellings(value), mark)
            elif value:
                word = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
                self._words.append((word, mark))
        self._forms = sorted(forms.items(), key=lambda one: -len(one[0]))

    def __repr__(self) -> str:
        return "Echoes(…)"

    @property
    def longest(self) -> int:
        """Return how far a spelling may reach."""
        return len(self._forms[0][0]) if self._forms else 0

    def listing(self, listing: Listing) -> Listing:
        """Return what a server lists without its credential, else exactly as it came."""
        if not self._forms and not self._words:
            return listing
        tools, faults = [], list(listing.faults)
        for tool in listing.tools:
            try:
                tools.append(self.value(tool))
            except RecursionError:
                faults.append("a tool is nested too deeply to be read")
        return Listing(
            server_name=self.hidden(listing.server_name),
            server_version=self.hidden(listing.server_version),
            instructions=self.hidden(listing.instructions),
            tools=tuple(tools),
            faults=tuple(map(self.hidden, faults)),
            logs=listing.logs,
        )

    def value(self, value: Any) -> Any:
        """Return a JSON value, the spellings in its texts and names replaced."""
        if isinstance(value, str):
            return self.hidden(value)
        if isinstance(value, Mapping):
            return {self.hidden(name): self.value(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self.value(each) for each in value]
        return value

    def hidden(self, text: str) -> str:
        """Return the text with each spelling replaced."""
        for form, mark in self._forms:
            if form in text:
                text = text.replace(form, mark)
        for word, mark in self._words:
            text = word.sub(mark, text)
        return text


def _spellings(value: str) -> Iterator[str]:
    for part in (value, *_parts(value)):
        yield part
        yield json.dumps(part)[1:-1]
        yield json.dumps(part, ensure_ascii=False)[1:-1]
    raw = value.encode(errors="surrogatepass")
    for spelled in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        yield spelled
        yield re.sub("%..", lambda match: match[0].lower(), spelled)
    yield raw.hex()
    yield raw.hex().upper()
    yield html.escape(value)
    yield repr(value)[1:-1]
    yield from _in_base64(raw)


def _in_base64(raw: bytes) -> Iterator[str]:
    """Yield the characters that a value puts into base64, wherever in it the value begins."""
    for shift, strange in ((0, 0), (1, 2), (2, 3)):
        for encoded in (b64encode(bytes(shift) + raw), urlsafe_b64encode(bytes(shift) + raw)):
            plain = encoded.decode().rstrip("=")
            end = len(plain) - ((len(raw) + shift) % 3 != 0)
            if end - strange >= _SHORT:
                yield plain[strange:end]


def _parts(value: str) -> Iterator[str]:
    for number, part in enumerate(_BETWEEN.split(value, _MOST_PARTS)):
        if number == _MOST_PARTS:
            return
        if len(part) >= _LEAST_PART and _MIXED.match(part):
            yield part
        if len(part) >= _LEAST_PART and (inner := values.decoded(part)):
            _, colon, password = inner.partition(":")  # as Basic has it; a user's name is no secret
            yield from (each for each in (password if colon else inner,) if len(each) >= _SHORT)
