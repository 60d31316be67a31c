"""Secrets known by the name before them: ``password=…`` in the many spellings of that thought."""

import re
from collections.abc import Iterator
from functools import lru_cache

from awooop.kit.redaction import headers, keys, places, values
from awooop.kit.redaction.keys import STRONG, Promise
from awooop.kit.redaction.places import Place
from awooop.kit.redaction.tags import CREDENTIAL, PLACEHOLDER, Span

_WRAPPER = (
    r"(?:(?:Some|Ok|Just|String|str|Secret|SecretStr|SecretString|bytes|new String|Buffer\.from"
    r"|quote|b64decode|b64encode|base64encode|base64decode|sensitive|nonsensitive|SecureString|from_str"
    r"|HttpUrl|json\.dumps|fromString)\(){1,2}"
)
_OPENING = re.compile(
    rf"(?:{_WRAPPER}(?=[brfu]?[\"']))?(?:[brfuBRFU@$]{{1,2}}(?=[\"']))?"
    r"(?P<mark>\\{0,7}(?:\"\"\"|'''|[\"'`])|[「『“‘《])"
)
_CLOSERS = {"「": "」", "『": "』", "“": "”", "‘": "’", "《": "》"}
_BARE = re.compile(
    r"""(?x)
    (?: [^\s"'`<>|,;&)\]}\\。、「」『』【】《》]++
      | [,;&)\]}|](?![\s"'<,;:)\]}.]|$|\\["nrt]|[\w.-]{1,40}\s?[=:]|[^\x00-\x7f])
      | \\(?![nrt"'\\])
      | (?<=\S)["'`](?=[^\s"'`,;:=)\]}>&<]{1,64}(?:[\s&;<]|$))
    ){1,4096}"""
)
_REFERRED = re.compile(
    r"(?:[$#]?\{{1,2}[^{}\n]{0,120}\}{1,2}|\$\([^()\n]{0,120}\)|<[^<>\n=]{1,80}>|%\(\w{1,40}\)s|\{\s?[\w\"']{1,40}:\s)"
    r"(?![A-Za-z0-9+/])"
)
_LINE = re.compile(r"\S+")
_CONTINUED = re.compile(r"\\\r?\n[ \t]{0,40}([^\s\"'\\]{1,400})")
_BLOCK = re.compile(r"[|>][+-]?[0-9]?[ \t]*\r?\n([ \t]+)(\S[^\r\n]*(?:\r?\n\1[^\r\n]+){0,60})")
_LISTED = re.compile(r"\s{0,40},?\s{0,40}(?P<mark>[\"'])")
_COMMENT = re.compile(r"\s+#.*")
_STARTS_LINE = re.compile(
    r"(?:export|set|setenv|ENV|ARG|-|\+|declare -x|local|readonly|\d{1,6}:)?[ \t]*\Z"
)
_LEGIBLE = re.compile(r"[A-Za-z0-9]")
_NEWLINE = re.compile(r"\\?\r?\n[ \t]*+")
_LONGEST = 8192
_GLIMPSE = 96
_NUMBERS = frozenset({Promise.PHONE, Promise.CARD, Promise.PERSON, Promise.CODE})
_NUMERIC = re.compile(r"[\\\"'`「『“ ]{0,8}[(+A-Za-z]{0,2}[0-9]")


def found(text: str, low: str) -> Iterator[Span]:
    """Yield the values of all names that promise a secret.

    :param low: the text in lower case, of the same length.
    """
    covered = 0
    for start, end in sorted(places.found(text, low)):
        if start < covered:
            continue
        place = places.place(text, start, end)
        if place is not None:
            for span in _value(text, place):
                yield span
                covered = max(covered, span.end)


def _value(text: str, place: Place) -> Iterator[Span]:
    if place.promised is Promise.HEADER or place.promised is Promise.COOKIE:
        strict = place.sign not in (":", "=", "pair")
        taken = headers.found(text, place.at, place.promised, strict=strict)
        if taken is not None:
            yield from taken
            return
    at = place.at
    if place.promised in _NUMBERS and not _NUMERIC.match(text, at):
        return
    if text.startswith("[", at) and place.promised in STRONG:
        yield from _items(text, at + 1)
        return
    opening = _OPENING.match(text, at)
    if opening:
        span = _in_quotes(text, place, opening)
    elif (block := _BLOCK.match(text, at)) and place.sign == ":":
        secret = block.group(2)
        if place.promised in STRONG and not values.is_harmless(secret):
            yield Span(block.start(2), block.end(2), CREDENTIAL, secret)
        return
    else:
        span = _bare(text, place)
    if span is not None:
        yield span


def _in_quotes(text: str, place: Place, opening: re.Match[str]) -> Span | None:
    start, mark = opening.end(), opening.group("mark")
    end = _closing(text, start, _CLOSERS.get(mark, mark))
    secret = text[start:end]
    if not secret or not is_secret(place, secret, quoted=True):
        return None
    if end - start >= _LONGEST - 1:
        end = _end_of_line(text, end, _CLOSERS.get(mark, mark))
    if _is_behind(text, place, secret, end):
        return None
    if mark == "`" and " " in secret:
        return None  # a command whose output is the secret
    return Span(start, end, CREDENTIAL, _NEWLINE.sub("", secret))


def _is_behind(text: str, place: Place, secret: str, end: int) -> bool:
    """Say whether the mark closed a text that ended with the name: ``"Password: ")``."""
    if secret[0] == " " and place.sign in (":", "next", "said", "other") and not place.spaced:
        return True
    unclosed = text[end : end + 1] in ("", "\n", "\r")
    return unclosed and (secret[0] in " )],;}.+" or not _LEGIBLE.search(secret))


def _closing(text: str, start: int, mark: str) -> int:
    """Return where a quoted value ends: its mark, else its line, never far away."""
    limit = min(len(text), start + _LONGEST)
    at = text.find(mark, start, limit)
    while at > start and mark[0] != "\\" and _slashes(text, start, at) % 2:
        at = text.find(mark, at + 1, limit)
    while at > start and mark[0] == "\\" and text[at - 1] == "\\":
        at = text.find(mark, at + len(mark), limit)
    end = at if at >= 0 else limit
    if len(mark) >= 3 and mark[0] != "\\":
        return end
    line = text.find("\n", start, end)
    while line >= 0 and _goes_on(text, start, line, end):
        line = text.find("\n", line + 1, end)
    return line if line >= 0 else end


def _end_of_line(text: str, at: int, mark: str) -> int:
    ends = [end for end in (text.find(mark, at), text.find("\n", at)) if end >= 0]
    return min(ends, default=len(text))


def _slashes(text: str, start: int, at: int) -> int:
    behind = text[max(start, at - 64) : at]
    return len(behind) - len(behind.rstrip("\\"))


def _goes_on(text: str, start: int, line: int, end: int) -> bool:
    """Say whether a quoted value continues behind a newline: escaped, or one word in pieces."""
    if text[line - 1] == "\\" or text[max(start, line - 2) : line] == "\\\r":
        return True
    return end - start <= 1024 and " " not in text[start:end].strip() and ":" not in text[line:end]


def _items(text: str, at: int) -> Iterator[Span]:
    limit = min(len(text), at + _LONGEST)
    while (match := _LISTED.match(text, at, limit)) is not None:
        start = match.end()
        end = text.find(match.group("mark"), start, limit)
        if end < 0 or "\n" in text[start:end]:
            return
        if not values.is_harmless(text[start:end]):
            yield Span(start, end, CREDENTIAL, text[start:end])
        at = end + 1


def _bare(text: str, place: Place) -> Span | None:
    """Judge a value by its beginning, and only then read on: most are no secrets."""
    if not _LEGIBLE.search(text, place.at, place.at + _GLIMPSE):
        return None
    if _REFERRED.match(text, place.at):
        return None
    for limit in (_GLIMPSE, _LONGEST):
        start, end, secret = _extent(text, place, limit)
        if not secret or not is_secret(place, secret, quoted=False):
            return None
        if end - start < limit - 1:
            break
    in_json = place.quoted and place.sign == ":" and text[place.end] == '"'
    return Span(start, end, CREDENTIAL, secret, quoted=in_json)


def _extent(text: str, place: Place, limit: int) -> tuple[int, int, str]:
    """Return where a value without quotes begins and ends, and how it reads."""
    starts_line = _starts_line(text, place.start)
    at, most = place.at, place.at + limit
    match = None
    if starts_line and place.sign == "=" and not place.spaced and "&" not in text[at : at + 200]:
        match = _LINE.match(text, at, most)
    if (
        starts_line
        and place.sign == ":"
        and place.promised in STRONG
        and text[at : at + 1] not in "{["
    ):
        return _to_line_end(text, at, most)
    match = match or _BARE.match(text, at, most)
    if match is None:
        return at, at, ""
    secret = match.group()
    if starts_line and secret[-1:] in ",;" and place.sign == "=":
        secret = secret[:-1]
    if place.sign in (":", "said", "next") and secret[-1:] in ".!?":
        secret = secret[:-1]
    secret = secret.removesuffix("\\")
    end = at + len(secret)
    if more := _CONTINUED.match(text, end):
        return at, more.end(), secret + more.group(1)
    return at, end, secret


def _starts_line(text: str, start: int) -> bool:
    line = text.rfind("\n", max(0, start - 48), start) + 1
    if not line and start > 48:
        return False
    return _STARTS_LINE.match(text[line:start].lstrip(" \t")) is not None


def _to_line_end(text: str, at: int, most: int) -> tuple[int, int, str]:
    """A YAML scalar runs to the end of its line, a remark apart; a log message is not one."""
    end = text.find("\n", at, most)
    line = text[at : end if end >= 0 else most].rstrip()
    line = _COMMENT.sub("", line)
    first, _, rest = line.partition(" ")
    if rest and (values.is_telling(first) or not re.fullmatch(r"[A-Za-z ]+", line)):
        match = _BARE.match(text, at, most)
        line = match.group().rstrip(",;") if match else ""
    elif values.is_status(first):
        line = ""
    return at, at + len(line), line


def is_secret(place: Place, secret: str, *, quoted: bool) -> bool:
    """Say whether what stands behind a name is its secret, and not a word about it."""
    promised, bare = place.promised, PLACEHOLDER.sub("", secret).strip()
    if promised in _NUMBERS:
        return values.fits(promised.value, bare)
    if promised is Promise.HINT and (place.sign in ("said", "next") or not values.is_random(bare)):
        return False
    if values.is_harmless(bare, code=not quoted) or bare.casefold() in _own_names(place.name):
        return False
    if promised is Promise.HINT:
        return True
    if bare.replace(".", "").isdigit():
        return promised is Promise.PASSWORD and place.sign != "next" and (
            len(bare) >= 4 or place.name.lower() != "pass"
        )  # fmt: skip
    if place.name.lower() == "pass" and place.sign in ("next", "said"):
        return False
    if promised is not Promise.PASSWORD and len(bare) < 4:
        return False
    if place.sign == "call":
        return _is_argument(place, bare)
    if place.sign == "pair" and keys.promise(bare) is not Promise.NOTHING:
        return False
    if place.sign == "pair" or place.sign == "said":
        return values.is_telling(bare) or (promised in STRONG and values.is_hex(bare, 24))
    if place.sign == "next" and values.is_hex(bare, 32):
        return True
    if place.sign == "next":
        return (quoted and len(bare) >= 6 and not values.is_slug(bare)) or (
            values.is_telling(bare) and (promised is Promise.PASSWORD or values.is_random(bare, 12))
        )
    if quoted or place.sign != ":":
        return not (place.name.lower() in ("pwd", "oldpwd") and bare.startswith("/"))
    return _is_spoken(place, bare)


def _is_argument(place: Place, bare: str) -> bool:
    """A setter is given a secret; other calls are given names, labels and questions."""
    if " " in bare or keys.promise(bare) is not Promise.NOTHING:
        return False
    sets = place.name.lower().startswith(("set", "with", "."))
    if place.promised is Promise.PASSWORD and sets:
        return True
    return values.is_telling(bare) or values.is_hex(bare, 24)


def _is_spoken(place: Place, bare: str) -> bool:
    """After a colon, without quotes: YAML and headers, but prose and log lines as well."""
    if values.is_status(bare) or not _LEGIBLE.search(bare):
        return False
    if place.promised is Promise.PASSWORD and place.name.lower() != "pass":
        return True
    if not place.spaced:
        return not values.is_slug_of_parts(bare)
    if values.is_type(bare):
        return False
    return not (values.is_slug(bare) and not any(c.isdigit() for c in bare)) and not (
        values.is_slug_of_parts(bare)
    )


@lru_cache(maxsize=2048)
def _own_names(name: str) -> set[str]:
    low = name.casefold().lstrip("-")
    return {
        low,
        low.replace("-", "_"),
        low.rpartition("_")[2],
        low.rpartition(".")[2],
        low.rpartition("-")[2],
    }
