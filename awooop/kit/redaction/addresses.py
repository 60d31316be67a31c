"""Passwords inside addresses: URLs, DSNs, JDBC and Go's spelling of them."""

import re
from collections.abc import Iterator

from awooop.kit.redaction import values
from awooop.kit.redaction.tags import CREDENTIAL, Span

# It does not end with a colon: that belongs to an address inside this one.
_AUTHORITY = re.compile(r":(?:\\?/){2}([^\s\"'<>`/?#\\]{0,1023}[^\s\"'<>`/?#\\:])")
# A password that was never percent-encoded may hold a slash, a question mark or a hash.
_RAW = re.compile(
    r":(?:\\?/){2}[^\s\"'<>`/?#\\:@]{0,64}:(?!\d{1,5}[/?#])([^\s\"'<>`@]{1,128})@(?=[\w\[])"
)
_TCP = re.compile(r"@(?:tcp|unix|tcp6|cloudsql)\(")
_USER_BEFORE = re.compile(r"(?:^|[\s\"'`=])[\w.%-]{1,64}:([^\s\"'`]{1,128})\Z")
_THIN = re.compile(r":(?:thin|oci8?):[\w.$-]{1,64}/([^\s\"'@/]{1,128})@")
_PGPASS = re.compile(
    r"(?m)^(?:[\w.*-]{1,128}):(?:54\d\d|6432|\*):(?:[\w*-]{1,64}):(?:[\w*.-]{1,64}):(\S{1,256})$"
)


def found(text: str) -> Iterator[Span]:
    """Yield the passwords, and the tokens in a password's place, of all addresses."""
    if "://" in text or ":\\/\\/" in text:
        for match in _AUTHORITY.finditer(text):
            if "@" in match.group(1):
                yield from _userinfo(match)
        for match in _RAW.finditer(text):
            if not values.is_harmless(match.group(1)) and not match.group(1).startswith("//"):
                yield Span(match.start(1), match.end(1), CREDENTIAL, match.group(1))
    if "(" in text and "@" in text:
        for match in _TCP.finditer(text):
            if before := _USER_BEFORE.search(text[max(0, match.start() - 200) : match.start()]):
                start = match.start() - len(before.group(1))
                yield Span(start, match.start(), CREDENTIAL, before.group(1))
    for literal, pattern in (
        (":thin:", _THIN),
        (":oci", _THIN),
        (":54", _PGPASS),
        (":6432:", _PGPASS),
        (":*:", _PGPASS),
    ):
        if literal in text:
            for match in pattern.finditer(text):
                yield Span(match.start(1), match.end(1), CREDENTIAL, match.group(1))


def _userinfo(match: re.Match[str]) -> Iterator[Span]:
    authority = match.group(1)
    userinfo = authority[: authority.rindex("@")]
    user, colon, password = userinfo.partition(":")
    start = match.start(1) + len(user) + 1
    if colon:
        if password and not values.is_harmless(password):
            yield Span(start, start + len(password), CREDENTIAL, password)
        if len(user) >= 20 and values.is_random(user, 20):
            yield Span(match.start(1), match.start(1) + len(user), CREDENTIAL, user)
    elif is_key(user):
        yield Span(match.start(1), match.start(1) + len(user), CREDENTIAL, user)


def is_key(user: str) -> bool:
    """Say whether a user without a password is a token itself, as in a Sentry DSN."""
    return re.fullmatch(r"[0-9a-f]{32}", user) is not None or values.is_random(user, 20)
