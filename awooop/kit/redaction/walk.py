"""Redaction of whole values: dicts and lists by their keys, texts by reading, JSON in texts too."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from awooop.kit.redaction import headers, keys, policy, reading, values
from awooop.kit.redaction.keys import STRONG, Promise
from awooop.kit.redaction.policy import Policy
from awooop.kit.redaction.tags import CREDENTIAL, PLACEHOLDER, UNREAD, Span, hidden, placeholder

DEEPEST = 96
MOST = 500_000  # values in one call; what comes after is hidden unread
_LONG_TO_REPEAT = 400
_PLAIN_KEY = re.compile(r"[A-Za-z_]+")
_SAFE = (bool, type(None), float, date, time, timedelta, Decimal, UUID)
_JSON_LEAF = re.compile(r'"(?:[^"\\]++|\\.)*+"|-?\d[\d.eE+-]*+|true|false|null|NaN|-?Infinity')
_ABOUT_A_SECRET = values.words(
    "name type kind id namespace key version created updated url uri expires scope scopes "
    "region description path mount user username email role status count label labels title "
    "expires_in expiresat issuer algorithm enabled token_type tokentype grant_type host port "
    "database domain"
)


class Walk:
    """One call of redaction: its policy and how much it has already seen."""

    def __init__(self, chosen: Policy) -> None:
        self.policy = chosen
        self.left = MOST
        self.read: dict[str, str] = {}  # payloads repeat themselves: names, labels, states

    def value(self, value: Any, promised: Promise = Promise.NOTHING, depth: int = 0) -> Any:
        """Return a value of any type without its secrets."""
        self.left -= 1
        if depth > DEEPEST or self.left < 0:
            return placeholder(UNREAD, type(value).__name__)
        if type(value) is str:  # what JSON is made of comes first
            return self.text(value, promised, depth)
        if type(value) is dict:
            return self._mapping(value, promised, depth)
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, str):
            return self.text(value, promised, depth)
        if isinstance(value, Mapping):
            return self._mapping(value, promised, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._several(value, promised, depth)
        if isinstance(value, bytes | bytearray | memoryview):
            return self.text(bytes(value).decode(errors="replace"), promised, depth)
        if isinstance(value, int) and not isinstance(value, bool):
            return self._number(value, promised)
        if isinstance(value, _SAFE):
            return value
        return self.text(described(value), promised, depth)

    def text(self, text: str, promised: Promise, depth: int) -> str:
        """Return a text without secrets; the whole of it hidden if its key says so."""
        if not text or PLACEHOLDER.fullmatch(text):
            return text
        if (
            promised is not Promise.NOTHING
            and (whole := self._promised(text, promised)) is not None
        ):
            return whole
        if text[0] in '{["' or text[0].isspace():
            whole = self._json(text, promised, depth)
            if whole is not None:
                return whole
        if len(text) > _LONG_TO_REPEAT:
            return reading.cleaned(text, self.policy)
        if text not in self.read:
            self.read[text] = reading.cleaned(text, self.policy)
        return self.read[text]

    def _promised(self, text: str, promised: Promise) -> str | None:
        """Return what is left of a text under a telling key; None if it is no secret itself."""
        if promised in (Promise.HEADER, Promise.COOKIE):
            spans = headers.found(text, 0, promised, strict=False)
            if spans is not None:
                return hidden(text, spans) if spans else None
        if not _is_secret(text, promised):
            return None
        if promised not in STRONG and promised is not Promise.HINT:
            return placeholder(promised.value, text)
        return self._whole(text)

    def _whole(self, text: str) -> str:
        """Hide a whole text, under the name of its shape if it is exactly that."""
        bare = text.strip()
        for span in reading.spans(text, self.policy):
            if span.secret == bare or text[span.start : span.end] == bare:
                return placeholder(span.kind, span.secret)
        return hidden(text, [Span(0, len(text), CREDENTIAL, bare)])

    def _number(self, value: int, promised: Promise) -> Any:
        if promised is Promise.NOTHING and -9_999_999 < value < 9_999_999:
            return value
        digits = str(value) if abs(value) < 10**4000 else ""
        if promised is Promise.PASSWORD or (promised in STRONG and len(digits) > 6):
            return placeholder(CREDENTIAL, digits)
        if promised in STRONG or promised in (Promise.HINT, Promise.NOTHING):
            cleaned = reading.cleaned(digits, self.policy)
            return value if cleaned == digits else cleaned
        return self._promised(digits, promised) or value

    def _several(self, value: Any, promised: Promise, depth: int) -> Any:
        cleaned = [self.value(item, promised, depth + 1) for item in value]
        if len(cleaned) == 2 and isinstance(value, list | tuple) and promised is Promise.NOTHING:
            cleaned = self._pair(value, cleaned, depth)
        if isinstance(value, list):
            return cleaned
        if isinstance(value, set | frozenset):
            return type(value)(cleaned) if type(value) in (set, frozenset) else frozenset(cleaned)
        return tuple(cleaned)

    def _pair(self, value: Any, cleaned: list[Any], depth: int) -> list[Any]:
        """A header often travels as a list of two: its name and its value."""
        name, second = value
        if isinstance(name, bytes):
            name = name.decode(errors="replace")
        if not isinstance(name, str) or len(name) > 64 or not isinstance(second, str | bytes):
            return cleaned
        promised = self._promise(name)
        text = second if isinstance(second, str) else second.decode(errors="replace")
        if promised in (Promise.HEADER, Promise.COOKIE) or (
            promised in STRONG and values.is_telling(text)
        ):
            return [cleaned[0], self.value(second, promised, depth + 1)]
        return cleaned

    def _mapping(self, value: Mapping[Any, Any], promised: Promise, depth: int) -> dict[Any, Any]:
        sealed = value.get("kind") == "Secret"
        named = self._named(value)
        cleaned: dict[Any, Any] = {}
        for key, item in list(value.items()):
            inner = self._inherited(key, promised)
            if sealed and key in ("data", "stringData"):
                inner = Promise.PASSWORD
            elif named is not Promise.NOTHING and key in ("value", "Value", "val", "content"):
                inner = named
            cleaned[self._key(key, cleaned, depth)] = self.value(item, inner, depth + 1)
        return cleaned

    def _named(self, value: Mapping[Any, Any]) -> Promise:
        """Environment lists and headers spell a key as a value: ``{"name": …, "value": …}``."""
        for key in ("name", "key", "Name", "Key", "field", "header"):
            name = value.get(key)
            if isinstance(name, str) and len(name) <= 128 and len(value) <= 8:
                return self._promise(name)
        return Promise.NOTHING

    def _promise(self, name: str) -> Promise:
        if self.policy.names and policy.bare(name) in self.policy.names:
            return Promise.PASSWORD
        return keys.promise(name)

    def _inherited(self, key: Any, promised: Promise) -> Promise:
        own = self._promise(key) if isinstance(key, str) else Promise.NOTHING
        if promised not in STRONG or own not in (Promise.NOTHING, Promise.HINT):
            return own
        if isinstance(key, str) and key.lower() in _ABOUT_A_SECRET:
            return Promise.NOTHING
        return Promise.COOKIE if promised is Promise.HEADER else promised

    def _key(self, key: Any, taken: dict[Any, Any], depth: int) -> Any:
        if isinstance(key, str) and len(key) < 14 and _PLAIN_KEY.fullmatch(key):
            return self._free(key, taken)  # too short for a token, too plain for a person
        if isinstance(key, str | bytes):
            cleaned: Any = self.text(key if isinstance(key, str) else key.decode(errors="replace"),
                                     Promise.NOTHING, depth)  # fmt: skip
        elif isinstance(key, int) and not isinstance(key, bool):
            cleaned = self._number(key, Promise.NOTHING)
        elif isinstance(key, _SAFE):
            cleaned = key
        else:
            cleaned = self.text(described(key), Promise.NOTHING, depth)
        return self._free(cleaned, taken)

    @staticmethod
    def _free(cleaned: Any, taken: dict[Any, Any]) -> Any:
        number, candidate = 1, cleaned
        while candidate in taken:
            number += 1
            candidate = f"{cleaned}#{number}"
        return candidate

    def _json(self, text: str, promised: Promise, depth: int) -> str | None:
        """Redact a text that is a JSON document, leaving its layout alone; None if it is none."""
        stripped = text.strip()
        if len(stripped) < 4 or stripped[0] + stripped[-1] not in ("{}", "[]", '""'):
            return None
        twice: list[bool] = []
        try:
            document = json.loads(stripped, object_pairs_hook=_counting(twice))
        except (ValueError, RecursionError):
            return None
        cleaned = self.value(document, promised, depth + 1)
        try:
            return _rewritten(text, document, cleaned, bool(twice))
        except RecursionError:
            return None


def redacted(value: Any, chosen: Policy) -> Any:
    """Return the value without secrets; what cannot be read is hidden whole."""
    try:
        return Walk(chosen).value(value)
    except Exception:  # noqa: BLE001 - a door: strange objects raise strange things, and we fail closed
        return placeholder(UNREAD, type(value).__name__)
    finally:
        values.forget()


def described(value: Any) -> str:
    """Return what an object says of itself, whatever happens meanwhile."""
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a foreign __repr__
        return f"<{type(value).__name__}>"


def _is_secret(text: str, promised: Promise) -> bool:
    bare = text.strip()
    if promised in (Promise.PHONE, Promise.CARD, Promise.PERSON, Promise.CODE):
        return values.fits(promised.value, bare)
    if values.is_harmless(bare):
        return False
    if promised is Promise.HINT:
        return values.is_random(bare)
    if promised is Promise.PASSWORD:
        return True
    return len(bare) > 3 and not (bare.isdigit() and len(bare) <= 6) and not values.is_status(bare)


def _counting(twice: list[bool]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    def made(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            twice.append(True)
        return made

    return made


def _rewritten(text: str, before: Any, after: Any, twice: bool) -> str:
    """Return the document's text with only the changed leaves spelled anew."""
    old: list[Any] = []
    new: list[Any] = []
    _leaves(before, old)
    _leaves(after, new)
    places = list(_JSON_LEAF.finditer(text))
    if twice or len(old) != len(new) or len(old) != len(places):
        return json.dumps(after, ensure_ascii=text.isascii())
    pieces, at = [], 0
    for place, was, now in zip(places, old, new, strict=True):
        if was is not now and was != now:
            pieces += [text[at : place.start()], json.dumps(now, ensure_ascii=text.isascii())]
            at = place.end()
    return "".join([*pieces, text[at:]]) if pieces else text


def _leaves(value: Any, into: list[Any]) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            into.append(key)
            _leaves(item, into)
    elif isinstance(value, list):
        for item in value:
            _leaves(item, into)
    else:
        into.append(value)
