"""Places in a text where a name that promises a secret is given a value."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from awooop.kit.redaction import keys
from awooop.kit.redaction.keys import Promise
from awooop.kit.redaction.literals import Index

# A name worth a look contains one of these; short ones count only before a sign of assignment.
_ROOTS = (
    "pass", "pwd", "secret", "token", "key", "cred", "auth", "cookie", "sess", "jwt", "bearer",
    "phone", "mobile", "card", "ssn", "signature", "psw", "nationalid", "national_id", "idnumber",
    "id_number", "mnemonic", "nonce", "salt", "licen", "msisdn", "sig=", "sig:", 'sig":', "sid=",
    'sid":', "pin=", "pin:", 'pin":', "tel=", "tel:", 'tel":', "otp", "cvv", "cvc", "pat=", "pat:",
    "fax", "code=", "hmac", "pan=", 'pan":', "cell", "connectionstring", "--pw", "pw=", "pw:",
)  # fmt: skip
_ROOTED = Index((root, root) for root in _ROOTS)
_CHINESE = re.compile(
    "(?:密碼|密码|口令|通行碼|密鑰|密钥|密匙|金鑰|金钥|權杖|令牌|私鑰|私钥|憑據|凭据|驗證碼|验证码|手機|手机|電話|电话"
    "|身[分份]證|身份证|統一證號|居留證|信用卡|卡號|卡号)(?:號碼|号码|字號|卡號|卡号|號|号)?"
)
_NAME = re.compile(r"[\w-]*+(?:\.\w[\w-]*+){0,4}", re.ASCII)
_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.$")
_DECLARED = re.compile(r"(?:^|\n)[ \t]{0,8}(?:ENV|ARG|setenv)[ \t]{1,4}\Z")
_IN_ARN = re.compile(r"\barn:[^\s\"'`<>]{0,80}:\Z")
_WORD_BEFORE = re.compile(r"([A-Za-z]{2,16})[ ]\Z")
_TYPE = (
    r"(?:&?'?(?:str|string|String|SecretStr|bytes|any|Optional\[str\]|char\s?\*?)"
    r"(?:\s?\|\s?\w+)?\??)"
)
_SEPARATOR = re.compile(
    rf"""(?x)
    (?P<quote>\\{{0,7}}["'`])?\]?
    (?:
      [ \t]{{0,16}}:[ \t]{{0,4}}{_TYPE}[ \t]{{0,4}}=[ \t]{{0,16}}
    | [ \t]{_TYPE}[ \t]{{0,4}}:?=[ \t]{{0,16}}
    | (?:[ ](?i:for|of)[ ]["'`]?[\w.@%'-]{{1,64}}["'`]?)?[ \t]{{0,24}}
      (?P<sign>=>|->|:{{1,2}}=|[?+|]{{0,2}}={{1,3}}|!=|:)(?P<space>[ \t]{{0,24}})
      (?:!!(?:str|binary|int)[ \t]{{1,4}})?
    | (?P<xml>[^<>"'`=]{{0,40}}>)(?=[^<>\s])
    | [\s,;]{{0,48}}(?:\\{{0,7}}["'])?(?i:value|content|val)(?:\\{{0,7}}["'])?\s{{0,4}}[=:]\s{{0,4}}
    | \s{{0,4}}\{{[^{{}}]{{0,300}}?\bdefault\s{{0,16}}=\s{{0,16}}
    | (?P<pair>,\s?b?(?=["']))
    | (?P<call>\((?=["']))
    | (?P<said>(?:[ ]for[ ][\w.@%'-]{{1,64}})?\s?(?:is|was|are|為|为|是|[ ]as|[ ]to)
      (?:\s?:\s?|\s|(?<=[為为是])))
    | (?P<shown>(?=[「『]))
    | (?P<next>[ \t]{{1,8}}(?=[^\s=:,;|>)\]}}.-]|-\S))
    )"""
)


class Place(NamedTuple):
    """Where a name stands, and what stands between it and its value."""

    name: str
    start: int
    end: int
    promised: Promise
    sign: str  # "=", ":", "xml", "pair", "call", "said", "next", "flag" or "other"
    spaced: bool
    quoted: bool  # the name is in quotes
    at: int  # where the value begins


def found(text: str, low: str) -> Iterator[tuple[int, int]]:
    """Yield where names stand that may promise something, in any order.

    :param low: the text in lower case, of the same length.
    """
    seen: set[int] = set()
    for root in _ROOTED.present(low):
        end = 0
        at = low.find(root)
        while at >= 0:
            start = _beginning(text, at, max(end, at - 64))
            match = _NAME.match(text, at, at + 80)
            end = max(match.end() if match else at, at + 1)
            if end not in seen:
                seen.add(end)
                yield start, end
            at = low.find(root, end)
    if not text.isascii():
        for match in _CHINESE.finditer(text):
            yield match.span()


def _beginning(text: str, at: int, floor: int) -> int:
    start = at
    while start > floor and text[start - 1] in _NAME_CHARS:
        start -= 1
    if start >= 1 and text[start - 1] == "\\" and text[start] in "nrt":
        start += 1
    return start


def place(text: str, start: int, end: int) -> Place | None:
    """Return the place of a name's value, if the name promises one and is given one."""
    name, promised = _promise(text, start, end)
    if promised is Promise.NOTHING:
        return None
    match = _SEPARATOR.match(text, end)
    if match is None:
        return None
    behind = text[max(0, start - 80) : start]
    if _IN_ARN.search(behind):
        return None
    sign = _sign(match, name, behind)
    if sign == "xml" and behind.rfind("<") <= behind.rfind(">"):
        return None
    if sign == "said" and match.group("quote"):
        return None
    quoted = match.group("quote") is not None and behind[-1:] in ('"', "'", "`")
    return Place(name, start, end, promised, sign, bool(match.group("space")), quoted, match.end())


def _promise(text: str, start: int, end: int) -> tuple[str, Promise]:
    """Return a name and its promise; ``api key`` in two words is a name as well."""
    name = text[start:end]
    if name.lower() in ("key", "keys", "code") and text[start - 1 : start] == " ":
        before = _WORD_BEFORE.search(text[max(0, start - 18) : start])
        if before and (promised := keys.promise(f"{before.group(1)}_{name}")) in keys.STRONG:
            return name, promised
    return name, keys.promise(name)


def _sign(match: re.Match[str], name: str, behind: str) -> str:
    sign = match.group("sign")
    if sign:
        return "=" if sign.endswith("=") else ":"
    kind = match.lastgroup or "other"
    if kind == "quote":
        return "other"
    if kind == "shown":
        return "said"
    if kind == "next" and (name.startswith("-") or behind.endswith("-")):
        return "flag"
    if kind == "next" and _DECLARED.search(behind[-24:]):
        return "flag"
    return kind
