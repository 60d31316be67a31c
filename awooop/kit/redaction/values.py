"""Whether a value is worth hiding: blanks, references, code and prose are not."""

import re
from base64 import b64decode
from collections import Counter
from functools import lru_cache
from math import log2

_BLANK = re.compile(
    r"""(?ix)
    null|none|nil|true|false|undefined|nan|empty|n/?a|tbd|unset|unknown|default
    | yes|no|on|off|ok|await|yield|lambda|function|~|enabled|disabled|set|not[ _-]?set
    | redacted|removed|masked|hidden|filtered|scrubbed|sensitive|snip|omitted|placeholder
    | secret|passw(?:or)?d|pass|pwd|pw|api[_-]?key
    | (?: [*•●.\-_#?xX=…]  | \\u2022 )+ | [\[({]+ | [:;,./\\|+&-]{1,2} | \{\} | \[\]
    | \#[0-9a-f]{3,8}
    | <[^<>]*> | \[+[^\[\]]*\]+ | \([^()]*\)
    | (?:str|string|int|integer|bool|bytes|varchar|char|any|object|optional|secretstr)(?:[\[(?].*)?
    | change[-_ ]?me | to[-_ ]?be[-_ ]?(?:set|filled|replaced|defined)
    """
)
_SAMPLE = r"(?:your|my|enter|insert|replace|example|sample|dummy|fake)"
_INSTEAD = re.compile(rf"{_SAMPLE}(?:[-_ .][-_ .a-z]*)?|{_SAMPLE.upper()}(?:[-_ .][-_ .A-Z]*)?")
_REFERENCE = re.compile(
    r"""(?x)
    \$\{.* | \$\(.* | \$\$?(?:[A-Z_][A-Z0-9_]*|[a-z_]+) | \$env:\w+ | `.*
    | \{\{.* | (?:\{[\w.:!()\[\]'" -]{1,60}\}[.,;:/@-]?){1,6} | \{\}
    | \#\{.* | <%.* | %\(?[\w.]*\)?[sdrvq] | %[A-Za-z_]+%
    | @[A-Za-z_]+@ | @[A-Z]\w+\.\w+\(.* | \&?\*[a-z_]+
    | !(?:Ref|Sub|GetAtt|ImportValue|Join|vault|secret|env|reference|Base64|FindInMap|Select|If)\b.*
    | (?:ref\+|op|vault|awssm|gcpsm|azkv|sops|ssm|env|file|arn|keyring):(?!AA)\S*
    | projects/[\w-]+/secrets/.*
    | [a-z]+(?:_[a-z0-9]+)*_(?:password|passwd|pwd|secret|token|key|credentials?)
    | (?:os\.(?:environ|getenv)|process\.env|getenv|import\.meta|Deno\.env|System\.
      |ENV\[|vars?\.|secrets\.).*
    """
)
_WORDS = r"[A-Za-z_][a-z_]*(?:[A-Z][a-z]+)*"
_CODE = re.compile(
    rf"(?:new |await |&|\*)?{_WORDS}(?:(?:\.|::|->){_WORDS})*(?:\(.*|\[['\"\w].*|(?:\.{_WORDS})+;?)"
    r"|(?:process|self|this|cls|settings|config|cfg|conf|request|req|response|resp|params|args|options"
    r"|opts|ctx|context|data|payload|body|form|local|module|each|env|credentials|session|user|client"
    r"|inputs|steps|github)(?:\.|->|\[|\().+"
    r"|[a-z]+_[a-z0-9_]*(?:pass|secret|token|key|cred|auth|cookie)[a-z0-9_]*"
    r"|(?:pass|secret|token|key|cred|auth|cookie)[a-z]*_[a-z_]+"
)
_CALL = re.compile(
    r"[(&*!]{0,2}([A-Za-z_][\w.]{1,60}(?:(?:::|->)[\w.]{1,60}){0,4})(?:[(\[].*|\.[a-z]+;?)"
)
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PATH = re.compile(r"(?:~|\.{1,2}|[A-Za-z]:)?(?:[/\\][A-Za-z0-9_.@\-]{1,32}){2,12}/?")
_PLAIN_URL = re.compile(r"https?://[A-Za-z0-9.:\-]+(?:/[A-Za-z][A-Za-z._\-]{0,24}){0,8}/?")
_STATUS = re.compile(
    r"""(?ix)(?:
    wrong|expired|invalid|missing|required|not|is|was|are|were|must|should|cannot|can|could|none|an?
    |the|for|unauthorized|denied|incorrect|rejected|revoked|refresh(?:ed|ing)?|rotat(?:ed|ing|ion)
    |changed|updated|valid|fail(?:ed|ure|s)?|found|error|unexpected|mismatch(?:ed)?|does|do|has|have
    |will|of|in|to|from|by|and|or|with|at|on|as|it|this|that|these|your|please|see|use|used|using|if
    |when|no|never|too|only|accepted|granted|created|deleted|stored|saved|loaded|verified|success
    |successful(?:ly)?|unable|bad|malformed|empty|absent|exists?|unknown|unset|reset|strong|weak
    |medium|compliant|rotate|bearer|basic|negotiate|private|public|pending|issued|cached|optional
    |protected|encrypted|identifier|eof|end|begin|start|string|number|null|type|checks?|length|policy
    |minimum|maximum|least|between|contains?|match(?:es|ed)?|already|forbidden|allowed|disabled
    )[.,;:!?]?"""
)
_UUID = re.compile(r"(?i)[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_DIGEST = re.compile(r"(?:sha(?:1|256|384|512)[:-])?(?:[0-9a-f]{7,128}|[0-9A-F]{7,128})")
_MOMENT = re.compile(
    r"\d{4}-?\d\d-?\d\d(?:[T ]\d\d:?\d\d.*)?|\d\d:\d\d.*|\d+(?:\.\d+)+(?:[-+.]\w+)*"
)
_DATED = re.compile(r"(?:19|20)\d\d[-/](?:0\d|1[0-2])|\d\d:\d\d")
_ODD = re.compile(r"[a-z][A-Z]{2}|[a-z][A-Z][a-z][A-Z]|[A-Z]{2,}[a-z]{1,3}[A-Z]")
_NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:[a-zA-Z%]{1,3})?")
_SLUG = re.compile(r"(?:(?:[a-z]+\d{0,4}|\d{1,5}|[A-Z]?[a-z]+|[A-Z]+\d{0,4})(?:[-_./:]|$))+")
_K8S_NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]{1,16})+")
_TOKENLIKE = re.compile(r"[\x21-\x7e]+")
_LAYOUT = str.maketrans("", "", "\r\n\t")
_FORMS = {
    "phone": re.compile(r"\(?\+?\(?\d(?:[ ().-]{0,2}\d){6,14}(?:\s?(?:#|x|ext\.?)\s?\d{1,6})?"),
    "card": re.compile(r"\d(?:[ -]?\d){11,18}"),
    "national_id": re.compile(r"[A-Za-z]?[A-Da-d]?\d(?:[ -]?\d){6,13}[A-Za-z]?"),
    "code": re.compile(r"\d{3,8}|\d{3}[- ]\d{3}"),
}
_DIGIT, _SMALL, _CAPITAL = re.compile(r"[0-9]"), re.compile(r"[a-z]"), re.compile(r"[A-Z]")
_SYMBOL = re.compile(r"[!@#$%^&*()+=\[\]{}|;:,<>?~`\\/]")


def forget() -> None:
    """Drop the judgements remembered so far: what was judged may be secret."""
    for judge in (is_harmless, is_status, is_random, is_telling, is_slug_of_parts):
        judge.cache_clear()


def words(text: str) -> frozenset[str]:
    """Return the words of a text as a set: a list of names reads best as a paragraph."""
    return frozenset(text.split())


@lru_cache(maxsize=4096)
def is_harmless(value: str, *, code: bool = False) -> bool:
    """Say whether a value under a secret's name is no secret: blank, a reference, a path.

    :param code: it stands without quotes, so it may be an expression of a programming language.
    """
    plain = value.strip()
    if not plain:
        return True
    if len(plain) > 400:
        return False
    return bool(
        _BLANK.fullmatch(plain)
        or _INSTEAD.fullmatch(plain)
        or _REFERENCE.fullmatch(plain)
        or (code and (_CODE.fullmatch(plain) or _is_call(plain)))
        or _PLAIN_URL.fullmatch(plain)
        or (_PATH.fullmatch(plain) and not is_mixed(plain.replace("/", "")))
    )


def _is_call(value: str) -> bool:
    """Say whether a value is a call or an index: of a name with words in it, not of noise."""
    match = _CALL.fullmatch(value)
    if match is None:
        return False
    parts = _PART.findall(match.group(1))
    return bool(parts) and sum(map(len, parts)) / len(parts) >= 2.6


@lru_cache(maxsize=4096)
def is_status(word: str) -> bool:
    """Say whether a word tells about a secret ("expired", "must") instead of being one."""
    return _STATUS.fullmatch(word.strip()) is not None


def is_type(value: str) -> bool:
    """Say whether a value reads like a type's name: ``TokenInterface``, ``Optional``."""
    parts = _PART.findall(value)
    return (
        "".join(parts) == value and value[:1].isupper() and sum(map(len, parts)) >= 3.5 * len(parts)
    )


def is_slug(value: str) -> bool:
    """Say whether a value reads like a name: words and short numbers between hyphens or dots."""
    return len(value) <= 253 and (
        _SLUG.fullmatch(value) is not None
        or ("-" in value and _K8S_NAME.fullmatch(value) is not None)
    )


@lru_cache(maxsize=4096)
def is_telling(value: str) -> bool:
    """Say whether a value after a mere mention of a secret ("password hunter2") is one."""
    plain = value.rstrip(".,;:!?")
    return (
        len(plain) >= 6
        and _classes(plain) >= 2
        and not (_is_known(plain) or is_harmless(plain) or is_slug_of_parts(plain))
        and (_DIGIT.search(plain) is not None or _SYMBOL.search(plain) is not None)
    )


@lru_cache(maxsize=4096)
def is_slug_of_parts(value: str) -> bool:
    """Say whether a value is a name of several parts: ``db-creds-2``, not ``hunter2``."""
    value = value.rstrip("-_./:")
    return any(mark in value for mark in "-_./:") and is_slug(value)


@lru_cache(maxsize=4096)
def is_random(value: str, least: int = 16) -> bool:
    """Say whether a value has the looks of a generated secret: long, mixed, of high entropy.

    Digests, UUIDs, moments, versions, paths and names have their own looks and are not.
    """
    plain = value.strip()
    if not least <= len(plain) <= 4096 or not _TOKENLIKE.fullmatch(plain):
        return False
    if not _DIGIT.search(plain) or _classes(plain) < 2 or entropy(plain[:256]) < 3.0:
        return False
    return not (_is_known(plain) or is_harmless(plain) or is_slug(plain) or "://" in plain)


def is_mixed(value: str) -> bool:
    """Say whether a value has capitals, small letters and digits in a disorder."""
    return (
        _DIGIT.search(value) is not None
        and _CAPITAL.search(value) is not None
        and _SMALL.search(value) is not None
        and entropy(value) >= 3.4
    )


def is_hex(value: str, least: int) -> bool:
    """Say whether a value is a long hexadecimal number: a digest, or a key."""
    return len(value) >= least and _DIGEST.fullmatch(value) is not None


def is_rest(run: str) -> bool:
    """Say whether the first run of a line continues a token that was cut by the line before."""
    if len(run) < 4 or _is_known(run) or is_slug_of_parts(run) or _DATED.match(run):
        return False
    return is_odd(run) or (_classes(run) >= 2 and _DIGIT.search(run) is not None)


def is_odd(run: str) -> bool:
    """Say whether capitals stand where no language puts them: ``aXbQ``."""
    return _ODD.search(run) is not None


def entropy(value: str) -> float:
    """Return Shannon's entropy of the characters, in bits."""
    size = len(value)
    return -sum(n / size * log2(n / size) for n in Counter(value).values()) if size else 0.0


def _is_known(value: str) -> bool:
    return any(look.fullmatch(value) for look in (_UUID, _DIGEST, _MOMENT, _NUMBER))


def _classes(value: str) -> int:
    return sum(look.search(value) is not None for look in (_DIGIT, _SMALL, _CAPITAL, _SYMBOL))


def decoded(token: str) -> str | None:
    """Return the text that a token is the base64 of, in either alphabet; None if it is none."""
    try:
        bare = token.rstrip("=").replace("-", "+").replace("_", "/")
        plain = b64decode(bare + "=" * (-len(bare) % 4)).decode()
    except ValueError:
        return None
    return plain if plain.isprintable() or plain.translate(_LAYOUT).isprintable() else None


def fits(kind: str, value: str) -> bool:
    """Say whether a value has the form its name promises: digits, and hardly anything else."""
    form = _FORMS[kind]
    return form.fullmatch(value) is not None
