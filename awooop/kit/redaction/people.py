"""Personal data by shape: e-mail addresses, telephones, national ids, payment cards, IPv4."""

import re
from collections.abc import Iterator

from awooop.kit.redaction import values
from awooop.kit.redaction.tags import Span

_AT = re.compile(
    r"@((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8})([A-Za-z]{2,24})(?![A-Za-z0-9_@-])"
)
_LOCAL = re.compile(r"[A-Za-z0-9_%+'-](?:[A-Za-z0-9._%+'-]{0,62}[A-Za-z0-9_%+-])?\Z")
_LOCAL_CHARS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-")
# Units, files and inner names: what stands behind an @ without being a mail domain.
_NOT_MAIL = values.words(
    "service socket timer target mount slice scope device swap automount png jpg jpeg gif svg "
    "webp ico js mjs ts tsx jsx css scss map json yaml yml toml py rb go rs java php html htm "
    "md txt log local localhost localdomain internal lan svc cluster invalid lock tgz gz zip "
    "jar so dll exe sh class conf cfg ini vue"
)
_COMMAND = re.compile(
    r"(?:\b(?:ssh|scp|sftp|rsync|mosh|autossh|ssh-copy-id)\b[^\n|;&]{0,120}|git\+ssh:|://[^\s/]{0,64})\Z"
)
_COMMANDS = ("ssh", "scp", "sftp", "rsync", "mosh", "://")
_REMOTE = re.compile(r":(?:[~/\w.-]+/|/|~|[\w-]+\.git\b)")

_MOBILE = re.compile(r"09(?<![\w.+/-]09)(?<!\d:09)\d\d([- ]?)\d{3}\1\d{3}(?![\w-]|\.\d)")
_LANDLINE = re.compile(
    r"0(?<![\w.+/-]0)(?<!\d:0)(?:2|3|37|4|49|5|6|7|8|89|82|826|836|800|809)"
    r"(?:\)[ -]?|-)\d{3,4}[- ]?\d{3,4}(?![\w-]|[.:]\d)"
)
_ABROAD = re.compile(
    r"\+(?:(?<![\w+/.\]]\+)|(?<=%20\+)|(?<=\+\+))(?=\(?[1-9])((?:[ .()-]{0,2}\d){7,15})"
    r"(?!\w|%(?![0-9A-Fa-f]{2})|[.:-]\d)"
)
_TAIWAN = re.compile(
    r"886(?<![\w.+/-]886)(?<!\d:886)[- ]?\(?0?\)?(?:9\d\d|[2-8])[- ]?\d{3,4}[- ]?\d{3,4}(?![\w-])"
)
_AMERICAN = re.compile(r"\((?<![\w)]\()[2-9]\d\d\)[ -]?[2-9]\d\d-\d{4}(?![\w-])")
_CARD = re.compile(
    r"[2-6]\d{3}(?<![A-Za-z0-9_.+$€£-]\d{4})(?:"
    r"([ -]?)\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|([ -]?)\d{6}\2\d{4,5})(?![\w%]|[-.]\d)"
)
_ID = re.compile(r"[A-Z](?<![\w-][A-Z])[1289A-D]\d{8}(?![\w-])")
_IPV4 = re.compile(
    r"(?<![\w.])(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!\.)|(?![\d.]*\d\.\d))){4}(?![\w])"
)
_NUMBERED = re.compile(
    r"(?i)(?:order|\bid|_id|\bno|number|serial|sku|ref|case|ticket|invoice|batch|lot|seq|offset|size|bytes"
    r"|count|total|port|pid|line|code|build|version|timestamp|time|epoch|ts|編號|單號|序號|訂單|单号|订单|發票|#)"
    r"[\"']?[\s:=#.]{0,4}[\"']?\Z"
)
_OF_A_CARD = re.compile(r"(?i)card|visa|\bcc|\bpan\b|信用卡|卡號|卡号")
_LETTERS = dict(
    zip("ABCDEFGHJKLMNPQRSTUVXYWZIO", range(10, 36), strict=True)
)  # the order of the Ministry of the Interior's table, where W, Z, I and O come last
_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 1, 1)


def found(text: str, extra: frozenset[str]) -> Iterator[Span]:
    """Yield personal data; ``extra`` names the classes a policy adds."""
    if "@" in text:
        yield from _mails(text)
    yield from _telephones(text)
    yield from _cards(text)
    for match in _ID.finditer(text):
        if is_national_id(match.group()):
            yield Span(match.start(), match.end(), "national_id", match.group())
    if "ipv4" in extra:
        for match in _IPV4.finditer(text):
            yield Span(match.start(), match.end(), "ipv4", match.group())


def _mails(text: str) -> Iterator[Span]:
    for match in _AT.finditer(text):
        if match.group(2).lower() in _NOT_MAIL:
            continue
        at = match.start()
        start = at
        while start > max(0, at - 64) and text[start - 1] in _LOCAL_CHARS:
            start -= 1
        if start >= 1 and text[start - 1] == "\\" and text[start : start + 1] in ("n", "r", "t"):
            start += 1
        start += len(text[start:at]) - len(text[start:at].lstrip(".%-"))
        if start == at or _is_remote(text, start, match):
            continue
        yield Span(start, match.end(), "email", text[start : match.end()])


def _is_remote(text: str, start: int, match: re.Match[str]) -> bool:
    """Say whether user@host names an account on a machine: git@…, ssh …, https://user@…."""
    local, before = text[start : match.start()], text[max(0, start - 140) : start]
    return (
        local == "git"
        or _REMOTE.match(text, match.end()) is not None
        or (any(c in before for c in _COMMANDS) and _COMMAND.search(before) is not None)
    )


def _telephones(text: str) -> Iterator[Span]:
    for literal, pattern in (
        ("09", _MOBILE), ("0", _LANDLINE), ("+", _ABROAD), ("886", _TAIWAN), ("(", _AMERICAN),
    ):  # fmt: skip
        if literal not in text:
            continue
        for match in pattern.finditer(text):
            start, number = match.start(), match.group()
            if pattern is _LANDLINE and ")" in number:
                if text[start - 1 : start] != "(":
                    continue
                start -= 1
            if _is_telephone(text, start, number):
                yield Span(start, match.end(), "phone", text[start : match.end()])


def _is_telephone(text: str, start: int, number: str) -> bool:
    digits = sum(c.isdigit() for c in number)
    if number.isdigit():
        return _NUMBERED.search(text[max(0, start - 24) : start]) is None
    if number[0] == "0":
        return 9 <= digits <= 11
    if number[0] == "+":
        return 8 <= digits <= 15 and number.count(".") != 1
    return digits >= 10


def _cards(text: str) -> Iterator[Span]:
    for match in _CARD.finditer(text):
        number = match.group()
        digits = number.replace(" ", "").replace("-", "")
        if not is_card(digits):
            continue
        before = text[max(0, match.start() - 24) : match.start()]
        if number.isdigit() and _NUMBERED.search(before) and not _OF_A_CARD.search(before):
            continue
        yield Span(match.start(), match.end(), "card", number)


def is_card(digits: str) -> bool:
    """Say whether the digits are a payment card's: an issuer's range and Luhn (ISO/IEC 7812)."""
    if len(set(digits)) < 3 or not _is_issued(digits):
        return False
    doubled = [int(c) for c in reversed(digits)]
    total = sum(d if i % 2 == 0 else d * 2 - 9 * (d > 4) for i, d in enumerate(doubled))
    return total % 10 == 0


def _is_issued(digits: str) -> bool:
    size, two, four = len(digits), int(digits[:2]), int(digits[:4])
    if size == 15:
        return two in (34, 37)
    if size == 14:
        return two in (36, 38, 39) or 300 <= four // 10 <= 305
    if size == 19:
        return two == 62 or digits[0] == "4"
    return size == 16 and (
        digits[0] == "4" or 51 <= two <= 55 or 2221 <= four <= 2720 or four == 6011
        or two in (62, 64, 65) or 3528 <= four <= 3589 or two in (50, 56, 57, 58, 67)
    )  # fmt: skip


def is_national_id(number: str) -> bool:
    """Say whether a Taiwan id or resident certificate number, old or new, has its check digit.

    The rule: https://www.ris.gov.tw (letter to two digits, weights 1 9 8 … 1 1, sum by ten).
    """
    first = _LETTERS[number[0]]
    second = _LETTERS[number[1]] % 10 if number[1].isalpha() else int(number[1])
    digits = [second, *(int(c) for c in number[2:])]
    total = first // 10 + first % 10 * 9 + sum(d * w for d, w in zip(digits, _WEIGHTS, strict=True))
    return total % 10 == 0
