"""Secrets in HTTP headers: a scheme and its credentials, cookies, and the words of a handshake."""

import re
from collections.abc import Iterator

from awooop.kit.redaction import values
from awooop.kit.redaction.keys import Promise
from awooop.kit.redaction.tags import CREDENTIAL, OPENING, Span

_SCHEME = re.compile(
    r"(?i)\s{0,4}(?:\\{0,7}[\"'`\[])*(?P<scheme>bearer|basic|token|apikey|api-key|bot|jwt|key|negotiate|ntlm"
    r"|digest|hawk|oauth|aws4-hmac-sha256|signature|splunk|genie\w*|sso-key|glpat|zoho-oauthtoken)"
    r"[ \t]{1,8}"
)
_PARAMETERS = frozenset({"digest", "hawk", "oauth", "aws4-hmac-sha256", "signature", "sso-key"})
_PARAMETER = re.compile(
    r"(?i)\b(?:response|nonce|cnonce|opaque|signature|mac|oauth_\w+|token)=\\{0,3}[\"']?([^\s\"',\\]{4,512})"
)
_REFERRED = re.compile(r"[$#]?\{{1,2}[^{}\n]{0,120}\}{1,2}|<[^<>\n]{1,80}>|[\w.]{0,12}[<…]")
_WINDOW = 800
_TOKEN = re.compile(r"[^\s\"'`,;<>\\)\]}]{1,8192}")
_COOKIE = re.compile(
    r"\s{0,4}([^\s=;,\"']{1,128})=(\"[^\"\r\n]{0,4096}\"|[^\s;,\"'\\]{0,4096})(;?)"
)
_OPENING = re.compile(r"\s{0,4}(?:\\{0,7}[\"'`\[]){0,2}")
_ATTRIBUTES = values.words(
    "path domain expires max-age samesite secure httponly version priority partitioned"
)
_SCHEMES = re.compile(r"(?i)\b(bearer|basic)[ \t]{1,4}(?=[A-Za-z0-9+/=._~-]{8})")
_BASIC = re.compile(r"[A-Za-z0-9+/_-]{8,1024}={0,2}")


def found(text: str, at: int, promised: Promise, *, strict: bool) -> list[Span] | None:
    """Return the secrets of an Authorization or Cookie header whose value begins at ``at``.

    None if the value is neither a scheme with credentials nor cookies.

    :param strict: the name was only mentioned, so the value must look like a secret.
    """
    if promised is Promise.COOKIE:
        return _cookies(text, at)
    scheme = _SCHEME.match(text, at)
    return None if scheme is None else list(_credentials(text, scheme, strict))


def _credentials(text: str, scheme: re.Match[str], strict: bool) -> Iterator[Span]:
    if scheme.group("scheme").lower() in _PARAMETERS:
        end = text.find("\n", scheme.end(), scheme.end() + _WINDOW)
        for match in _PARAMETER.finditer(
            text, scheme.end(), end if end >= 0 else scheme.end() + _WINDOW
        ):
            yield Span(match.start(1), match.end(1), CREDENTIAL, match.group(1))
        return
    token = None if _REFERRED.match(text, scheme.end()) else _TOKEN.match(text, scheme.end())
    if token and not values.is_harmless(token.group()) and not _is_mention(token.group(), strict):
        yield Span(token.start(), token.end(), CREDENTIAL, token.group())


def _is_mention(token: str, strict: bool) -> bool:
    return values.is_status(token) or (strict and not values.is_telling(token))


def _cookies(text: str, at: int) -> list[Span] | None:
    opening = _OPENING.match(text, at)
    at = opening.end() if opening else at
    spans: list[Span] | None = None
    while (match := _COOKIE.match(text, at)) is not None:
        spans = spans if spans is not None else []
        name, value = match.group(1), match.group(2).strip('"')
        if name.lower() not in _ATTRIBUTES and value and not values.is_harmless(value):
            start = match.start(2) + match.group(2).startswith('"')
            spans.append(Span(start, start + len(value), CREDENTIAL, value))
        at = match.end()
        if not match.group(3):
            break
    return spans


def bare_schemes(text: str, low: str) -> Iterator[Span]:
    """Yield credentials after ``Bearer`` or ``Basic`` wherever they stand."""
    if "bearer" not in low and "basic" not in low:
        return
    for match in _SCHEMES.finditer(text):
        token = _TOKEN.match(text, match.end())
        if token is None:
            continue
        secret = token.group().rstrip(".:")
        if OPENING in secret:
            continue
        basic = match.group(1).lower() == "basic"
        if is_basic(secret) if basic else values.is_telling(secret) or values.is_random(secret, 12):
            yield Span(token.start(), token.start() + len(secret), CREDENTIAL, secret)


def is_basic(token: str) -> bool:
    """Say whether a token is ``user:password`` in base64 (RFC 7617)."""
    plain = values.decoded(token) if _BASIC.fullmatch(token) else None
    return plain is not None and ":" in plain
