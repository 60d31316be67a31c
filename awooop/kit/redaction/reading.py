"""Reading a text for secrets: every detector over every reading of it."""

import re
from bisect import bisect_right
from collections.abc import Iterator

from awooop.kit.redaction import addresses, assignments, disguises, headers, people, shapes, shell
from awooop.kit.redaction import policy as policies
from awooop.kit.redaction.policy import Policy
from awooop.kit.redaction.tags import CREDENTIAL, Span, hidden, placeholder

# A placeholder may complete a neighbour's context; a text is read again until nothing changes.
_MOST_ROUNDS = 4
_LARGE = 16_384
LARGEST = 48_000_000  # characters; more is not read but hidden whole

# What no secret can do without; a short text without any of it is not read further.
_SUSPECT = re.compile(
    r"[=:@%\\\x00-\x08\x0e-\x1f+&\u0080-\U0010ffff]|\d{3}|[A-Za-z0-9_+/.~-]{14}"
    r"|[Pp][Aa][Ss][Ss]|[Ss][Ee][Cc]|[Tt][Oo][Kk]|[Kk][Ee][Yy]|[Cc][Rr][Ee][Dd]|[Aa][Uu][Tt][Hh]"
    r"|[Bb][Ee][Aa]|[Cc][Oo][Oo]|[Pp][Ww][Dd]|-[apwuPU]|IDENT|ident|[Oo][Tt][Pp]|[Cc][Vv]"
)
_LONG_ENOUGH_TO_READ = 512
# The commonest whole values of logs and events: ids, moments, traces.
_PLAIN = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]"
    r"|[12]\d{3}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)"
)


def cleaned(text: str, policy: Policy) -> str:
    """Return the text without its secrets."""
    short = len(text) < _LONG_ENOUGH_TO_READ and not policy.patterns
    if short and (not _SUSPECT.search(text) or _PLAIN.fullmatch(text)):
        return text
    if len(text) > LARGEST:
        return placeholder("unread", text)
    for _ in range(_MOST_ROUNDS if len(text) <= _LARGE else 1):
        found = spans(text, policy)
        before, text = text, hidden(text, found) if found else text
        if text == before:
            break
    return text


def spans(text: str, policy: Policy) -> list[Span]:
    """Return where the secrets of a text are, in any of its readings."""
    plain = disguises.folded(text)
    noise = disguises.quiet(plain)
    found = _noisy(*noise, policy) if noise else list(_read(plain, policy))
    if view := disguises.unescaped(plain):
        found += [_mapped(view, span) for span in _read(view.text, policy)]
    for start, end, inner in disguises.encoded(noise[1].text if noise else plain):
        if hit := next(iter(_read(inner, policy)), None):
            start, end = noise[1].source(start, end) if noise else (start, end)
            found.append(Span(start, end, hit.kind, hit.secret))
    return found


def _noisy(blank: str, view: disguises.View, policy: Policy) -> list[Span]:
    """Read a text without its noise; where noise parted two words, read them apart as well."""
    found = [_mapped(view, span) for span in _read(view.text, policy)]
    taken = sorted((span.start, span.end) for span in found)
    starts = [start for start, _ in taken]
    for span in _read(blank, policy):
        at = bisect_right(starts, span.start)
        near = taken[max(0, at - 1) : at + 1]
        if not any(start < span.end and span.start < end for start, end in near):
            found.append(span)
    return found


def _mapped(view: disguises.View, span: Span) -> Span:
    start, end = view.source(span.start, span.end)
    return Span(start, end, span.kind, span.secret, span.quoted)


def _read(text: str, policy: Policy) -> Iterator[Span]:
    low = lowered(text)
    yield from shapes.found(text)
    yield from assignments.found(text, low)
    yield from headers.bare_schemes(text, low)
    yield from addresses.found(text)
    yield from shell.found(text)
    yield from people.found(text, policy.classes)
    for name, pattern in policy.patterns:
        for match in policies.checked(name, pattern).finditer(text):
            yield Span(match.start(), match.end(), name, match.group())
    if policy.names:
        yield from _named(text, policy)


def lowered(text: str) -> str:
    """Return the text in lower case without changing any position."""
    low = text.lower()
    return low if len(low) == len(text) else text.replace("\u0130", "i").lower()


_ASSIGNED = re.compile(
    r"([A-Za-z_][\w-]{1,63})(?<=\w)[\"']?\s{0,3}[=:]\s{0,3}[\"']?([^\s\"'&,;}{\[\]]{1,512})"
)


def _named(text: str, policy: Policy) -> Iterator[Span]:
    for match in _ASSIGNED.finditer(text):
        if policies.bare(match.group(1)) in policy.names:
            yield Span(match.start(2), match.end(2), CREDENTIAL, match.group(2))
