"""Would this call change anything? The strictest verdict of name, arguments and declaration."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from gateway import verbs
from gateway.verbs import HARM, HARMED, JOIN, MOVED, NOUNISH, NOUNY, PLAIN, PURE, READ, WEAK, fold

MAX_NAME, MAX_DEPTH, MAX_NODES, MAX_TEXT, MAX_COMMAND = 256, 24, 2000, 150_000, 8192


def _hides(word: str) -> bool:
    """Look for a verb of harm inside a longer lower-case word."""
    for mask in verbs.MASKS:
        word = word.replace(mask, " ")
    if any(harm in word for harm in verbs.LONG_HARMS):
        return True
    return any(p.startswith(verbs.EDGE_HARMS) or p.endswith(verbs.EDGE_HARMS) for p in word.split())


@lru_cache(8192)
def _kind(word: str) -> int | None:
    """Give the kind of a word, also of one that only begins with or hides a known one."""
    known = verbs.KINDS.get(word)
    if known is not None or len(word) < 3:
        return known
    if _hides(word) or verbs.squeeze(word) in verbs.SQUEEZED_HARMS:
        return HARM
    for kind, stems in ((NOUNY, verbs.LONG_VERBS), (WEAK, verbs.LONG_READS)):
        tails = [word[len(stem) :] for stem in stems if word.startswith(stem)]
        if any(len(tail) > 2 and not verbs.NOMINAL.fullmatch(tail) for tail in tails):
            return kind
    return None


@lru_cache(8192)
def _segment(word: str) -> tuple[str, ...]:
    """Cut a run-together word into known ones: getandset, deletepod; else leave it whole."""
    if word in verbs.KINDS or not 4 <= len(word) <= 64 or not word.isascii():
        return (word,)
    best: dict[int, tuple[str, ...] | None] = {len(word): ()}
    for start in range(len(word) - 1, -1, -1):
        cuts = range(start + 2, min(len(word), start + verbs.LONGEST) + 1)
        firsts = [(word[start:cut], best[cut]) for cut in cuts]
        inner = verbs.KINDS if start == 0 else verbs.INNER_WORDS
        found = [(one, *rest) for one, rest in firsts if rest is not None and one in inner]
        # get + skills rather than gets + kills
        best[start] = min(found, key=lambda p: (len(verbs.HARMFUL & {*p}), len(p)), default=None)
    parts = best[0] or (word,)
    befores = (JOIN, *map(_kind, parts))
    return tuple(
        "_" if part in verbs.COMPOUNDING and before != JOIN else part
        for part, before in zip(parts, befores, strict=False)
    )


def _words(text: str) -> list[str]:
    """Split at separators, digits and humps; then cut run-together words."""
    found = (word.lower() for word in verbs.WORD.findall(verbs.CJK_GAP.sub("", fold(text))))
    return [part for word in found for part in _segment(word)]


def _readings(text: str) -> Iterator[list[str]]:
    """Yield the ways a name can be read: as written, unhumped, and out of disguise."""
    yield _words(text)
    lower = text.lower()
    if lower != text and any(len(word) < 3 for word in verbs.WORD.findall(text)):
        yield _words(lower)
    for two, one in verbs.TWO_STROKES:
        if two in lower:
            yield _words(lower.replace(two, one))
    if lower.translate(verbs.LEET) != lower:
        plain = _words(lower.translate(verbs.LEET))
        yield [verbs.ONE_STROKE.get(word.replace("l", "i"), word) for word in plain]
        yield _words(lower.translate(verbs.LEET | {ord("1"): "l"}))


def _rejoined(words: list[str]) -> str | None:
    """Find a verb of harm that separators have cut to pieces: d_e_l_e_t_e, roll_back."""
    for start in range(len(words) - 1):
        for end in range(start + 2, min(len(words), start + verbs.LONGEST) + 1):
            joined = "".join(words[start:end])
            cut = any(word not in verbs.KINDS for word in words[start:end])
            if cut and joined in verbs.HARMS and (len(joined) > 3 or len(joined) == end - start):
                return joined
    return None


def _acts(words: list[str], i: int, read: int) -> bool:
    """Say whether the verb at i acts, although a read verb stands before it."""
    after = words[i + 1] if i + 1 < len(words) else None
    if _kind(words[i]) == PURE:
        return after not in verbs.DESCRIPTORS
    return f"{words[read]} {words[i]}" in verbs.LIST_TAILS and after is None and i == read + 1


def _judge(words: list[str]) -> tuple[str | None, bool]:
    """Judge one reading of a name: the offending word if any, and whether it reads."""
    read: int | None = None
    weak = joined = False
    pending = None
    for i, word in enumerate(words):
        kind = _kind(word)
        pair = f"{word}_{words[i + 1]}" if i + 1 < len(words) else ""
        if pair in verbs.NOUN_PAIRS or (i and f"{words[i - 1]}_{word}" in verbs.NOUN_PAIRS):
            continue
        free = read is None or joined
        participle = kind in (HARMED, MOVED) and (read is None or (joined and word[-3:] == "ing"))
        acts = kind in (PURE, NOUNY) and (free or _acts(words, i, read or 0))
        if kind == HARM or participle or acts or (free and pair in verbs.HARM_PAIRS):
            return word, False
        if kind == NOUNISH and read is None and (i == 0 or word[-1] != "s"):
            pending = word
        if kind == READ:
            read, joined = i if read is None else read, False
        weak = weak or kind == WEAK
        joined = joined or (kind == JOIN and (read is not None or weak))
    reads = read is not None or weak
    return (None if reads else pending) or _rejoined(words), reads


def _verb(text: str) -> tuple[str | None, bool]:
    """Judge every reading of a name; the plain one says whether it reads."""
    verdicts = [_judge(words) for words in _readings(fold(text))]
    return next((word for word, _ in verdicts if word), None), verdicts[0][1]


def _tool_part(name: str) -> str:
    """Leave out the provider, unless the tool part alone says nothing."""
    if "__" not in name or "___" in name:
        return name
    tool = name.rpartition("__")[0]
    return tool if any(_kind(word) not in (None, PLAIN) for word in _words(tool)) else name


def _name_reason(name: str, declared_read: bool) -> str | None:
    """Judge the name of a tool."""
    folded = fold(name)
    if len(name) > MAX_NAME or not any(map(str.isalpha, folded)):
        return "name is empty or too long"
    if verbs.MASQUERADE.search(name) or verbs.ALIEN.search(folded):
        return "name has letters that imitate or hide"
    word, reads = _verb(_tool_part(folded))
    if word:
        return f"name says {word}"
    return None if reads or declared_read else "name does not say that it reads"


def _declared_reason(declared: dict) -> str | None:
    """Judge what the contract declares; annotations only tighten."""
    notes = declared.get("annotations")
    if not isinstance(notes, dict | None):
        return "annotations are malformed"
    scopes = [declared.get(key) for key in ("scope", "required_scope", "scopes")]
    flat = [item for one in scopes for item in (one if isinstance(one, list) else [one])]
    if any(one is not None and str(one).strip().lower() != "read" for one in flat):
        return "declared scope is more than read"
    harms = [declared.get("is_destructive"), *((notes or {}).get(key) for key in verbs.HARM_HINTS)]
    reads = [(notes or {}).get(key) for key in verbs.READ_HINTS]
    if any(hint is not None and hint is not False for hint in harms):
        return "declared destructive"
    changes = any(hint is not None and hint is not True for hint in reads)
    return "declared not to be read-only" if changes else None


def _statement_writes(part: str, mode: int) -> bool:
    """Judge one statement; mode 0 demands full grammar, 2 allows only what is known to read."""
    found = re.match(r"[\W_]*([a-z]+)", part)
    if not found:
        return mode == 2 and bool(part.strip(" ()q"))
    first, part = found[1], part[found.start(1) :]
    if first in ("show", "explain", "describe", "desc", "profile"):
        rest = verbs.SQL_EXPLAIN.sub("", part, count=1)
        return rest != part and bool(verbs.SQL_WRITE.match(rest) or verbs.SQL_INSIDE.search(rest))
    if first in verbs.SQL_READS:
        known = mode == 2 or verbs.SQL_READ_SHAPE.match(part)
        return bool(known and (verbs.SQL_INSIDE.search(part) or verbs.SQL_SELECT.search(part)))
    return mode == 2 or bool((verbs.SQL_WRITE if mode else verbs.SQL_TIGHT).match(part))


def _sql_writes(text: str, mode: int) -> bool:
    """Say whether a text is SQL that writes, however its comments and quotes are read."""
    low = verbs.GO_LINE.sub(";", verbs.HASH_LINE.sub(" ", text.lower()))
    quotes = verbs.QUOTED if "\\'" in low or '\\"' in low else verbs.QUOTED[:1]
    bare = {verbs.bare_sql(low, " ", quoted) for quoted in quotes}
    if "/*" in low:
        bare.add(verbs.bare_sql(low, "", verbs.QUOTED[0]))
    if any(_statement_writes(part, mode) for one in bare for part in one.split(";") if part):
        return True
    low = low.replace('"', "").replace("`", "").replace("[", "").replace("]", "")
    calls = set(verbs.SQL_CALLED.findall(low)) if "(" in low else ()
    return any(map(verbs.SQL_CALLS.fullmatch, calls)) or bool(verbs.SQL_PACKAGES.search(low))


def _segment_reads(words: list[str], depth: int = 0) -> bool:
    """Say whether one command, given as its words, is known to read only."""
    while words and words[0] in verbs.WRAPPERS:
        words = words[2 if words[0] == "timeout" else 1 :]
    path, _, program = words[0].lower().rpartition("/") if words else ("?", "", "")
    if path not in verbs.PROGRAM_PATHS or depth > 3:
        return False
    rest = verbs.CURL_READS.sub("", " ".join(words)).split() if program == "curl" else words
    if program in ("bash", "sh") and len(words) == 3 and words[1] in ("-c", "-lc"):
        return _command_reads(words[2], depth + 1)
    if program == "xargs":
        rest = [word for word in words[1:] if not verbs.XARGS_FLAG.fullmatch(word)]
        return bool(rest) and rest[0] not in verbs.FORBIDDEN and _segment_reads(rest, depth + 1)
    rule = verbs.FORBIDDEN.get(program)
    if rule and any("$" in word or rule.fullmatch(word) for word in rest[1:]):
        return False
    if program in verbs.READ_PROGRAMS or verbs.READ_LINES.fullmatch(" ".join([program, *rest[1:]])):
        return True
    words = words[1:]
    while words and words[0] in verbs.VALUE_FLAGS.get(program, ()):
        words = words[2:]
    heads = {" ".join(words[:1]), " ".join(words[:2])}
    return bool(heads & verbs.SUBCOMMANDS.get(program, set()))


def _command_reads(text: str, depth: int = 0) -> bool:
    """Say whether every segment of a shell text is known to read only."""
    segments = verbs.split_command(fold(text)) if len(text) <= MAX_COMMAND else None
    return segments is not None and all(_segment_reads(words, depth) for words in segments)


def _command_writes(items: list[str], tool: "_Tool", lines: bool = False) -> bool:
    """Judge what stands under a key like command: a line, its words, or several lines."""
    heads: list[list[str]] = [[], [tool.program]] if tool.program else [[]]
    if len(items) > 1 and not lines and " " not in items[0].strip():
        if not verbs.SHELL_SIGN.search("".join(items)):
            return not any(_segment_reads([*head, *map(fold, items)]) for head in heads)
        items = [" ".join(items)]
    items = [item for item in items if item.strip()]
    short = sum(map(len, items)) <= MAX_COMMAND
    if short and tool.database and not any(_sql_writes(item, 2) for item in items):
        return False
    return not all(any(_command_reads(" ".join([*head, item])) for head in heads) for item in items)


def _options_write(items: list[str], tool: "_Tool") -> bool:
    """Judge args without a command: as those of the tool's program, else by their verbs."""
    text = " ".join(items)[: MAX_COMMAND + 1]
    if tool.program or text.split(" ")[0] in verbs.SUBCOMMANDS:
        return _command_writes(items, tool)
    words = _words(text)
    verbal = any(_kind(word) == HARM or word in verbs.FLAGS for word in words)
    return verbal or len(text) > MAX_COMMAND or bool(verbs.SHELL_SIGN.search(text))


class _Tool(NamedTuple):
    """What the name of the tool says about its arguments."""

    reads: bool
    program: str | None
    database: bool
    searches: bool


def _tool(name: str) -> _Tool:
    """Read the name for what its arguments may mean."""
    words = _words(_tool_part(fold(name)))
    reads = any(_kind(word) == READ for word in words)
    program = next((word for word in words if word in verbs.SUBCOMMANDS), None)
    return _Tool(reads, program, *(bool(known & {*words}) for known in verbs.TOOL_TRAITS))


def _key_says(key: str, words: list[str], value: Any, tool: _Tool) -> str | None:
    """Judge a key by its own words: flags, Mongo operators, what to delete."""
    text = value.strip().lower() if isinstance(value, str) else value
    true = text in verbs.TRUE if isinstance(text, str) else text is True or text == 1
    off = text is False or (isinstance(text, str) and text in verbs.FALSE)
    if key in verbs.MONGO_KEYS:
        return f"{key} writes"
    if "".join(words[-2:]) in ("dryrun", "readonly", "validateonly") and off:
        return f"{key} is off"
    said = [word for word in words if word in verbs.FLAGS or _kind(word) == HARM]
    if true and said and not (tool.reads and said == ["recursive"]) and "refresh" not in words:
        return f"{key} is set"
    given = not off and bool(value) and "".join(words) in verbs.ACT_KEYS
    return f"{key} is given" if given else None


def _value_says(words: list[str], value: str, tool: _Tool) -> str | None:
    """Judge the value of a key that names what to do: method, action, mode."""
    if "method" in words and value.strip().upper() in ("POST", "PUT", "PATCH", "DELETE"):
        return "method writes"
    key = words[-2] if words[-1] in ("type", "name") and words[1:] else words[-1]
    if key not in verbs.ACTION_KEYS or (tool.reads and key in verbs.CALLEE_KEYS):
        return None
    kinds = {_kind(word) for word in _words(value[:MAX_NAME])}
    if tool.reads and kinds <= {HARMED, MOVED, NOUNISH}:
        return None
    if key == "mode" and not kinds & {HARM, PURE}:
        return f"mode {value}" if value.strip().lower() in verbs.OPEN_MODES else None
    word = _verb(value[:MAX_NAME])[0] or (value if len(value) > MAX_NAME else None)
    return f"{key} says {word}" if word else None


def _text_says(words: list[str], path: frozenset[str], text: str, tool: _Tool) -> str | None:
    """Judge a text by the keys it stands under."""
    text = fold(f"{text};{unquote(text)}" if verbs.ESCAPED.search(text) else text)
    body = words[-1] in verbs.BODY_KEYS and path & verbs.STATEMENT_KEYS
    strict = body or words[-1] in verbs.STATEMENT_KEYS
    prose = bool(set(words) & verbs.PROSE_KEYS)
    mode = 2 if strict else 0 if tool.searches else 1
    if (strict or tool.database or not prose) and _sql_writes(text, mode):
        return "statement writes"
    if prose or (tool.searches and path & verbs.QUERY_KEYS):
        return None
    if "{" in text and verbs.MUTATION.search(verbs.GRAPHQL_QUIET.sub(" ", text)):
        return "GraphQL mutation"
    low = " ".join(text.lower().split())
    if verbs.DANGER.search(low):
        return "text holds a writing call"
    head = low.split(" ", 2)
    command = len(head) > 1 and head[0] in verbs.SUBCOMMANDS and not path & verbs.QUERY_KEYS
    acts = command and _kind(head[1]) in (HARM, PURE, NOUNY) and not _command_reads(text)
    return "text is a writing command" if acts else None


def _command_lists(value: Any) -> list[list[str]]:
    """See a value, or each list within it, as the words of a command."""
    items = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(item, list) for item in items):
        return [words for item in items for words in _command_lists(item)]
    return [] if any(isinstance(i, dict | None) for i in items) else [[str(i) for i in items]]


def _commands_say(entries: list[tuple[str, list[str], Any]], tool: _Tool) -> str | None:
    """Judge the entries of one dictionary that are commands or their arguments."""
    lists = [(words, items) for _, words, value in entries for items in _command_lists(value)]
    options = [items for words, items in lists if words[-1] in verbs.OPTION_KEYS]
    extra = options[0] if len(options) == 1 else []
    for words, items in lists:
        if verbs.SHELL_KEYS & {words[-1], "".join(words[-2:])}:
            several = words[-1][-1] == "s"
            if _command_writes(items if several else items + extra, tool, several):
                return "command is not known to read only"
            options = options if several or not extra else []
    return "options write" if any(_options_write(items, tool) for items in options) else None


def _arguments_reason(arguments: dict, tool: _Tool) -> str | None:
    """Walk the arguments, within bounds."""
    stack: list[tuple[Any, list[str], frozenset[str], int]] = [(arguments, ["_"], frozenset(), 0)]
    nodes = size = 0
    while stack:
        value, words, path, depth = stack.pop()
        if isinstance(value, str):
            nodes, size = nodes + 1, size + len(value)
        elif isinstance(value, dict | list | tuple):
            nodes += len(value) if isinstance(value, dict) else len(value) // 9
        if nodes > MAX_NODES or depth > MAX_DEPTH or size > MAX_TEXT:
            return "arguments are too large to judge"
        said = None
        if isinstance(value, dict):
            entries = [(str(k), _words(str(k)[:MAX_NAME]) or ["_"], v) for k, v in value.items()]
            stack.extend((v, ws, path | set(ws), depth + 1) for _, ws, v in entries)
            says = (_key_says(fold(key), ws, inner, tool) for key, ws, inner in entries)
            said = next(filter(None, says), None) or _commands_say(entries, tool)
        elif isinstance(value, list | tuple):
            stack.extend((inner, words, path, depth + 1) for inner in value)
        elif isinstance(value, str):
            said = _value_says(words, value, tool) or _text_says(words, path, value, tool)
            if value.lstrip()[:1] in ("{", "[") and not set(words) & verbs.PROSE_KEYS:
                with suppress(ValueError):
                    stack.append((json.loads(value), words, path, depth + 1))
        elif not isinstance(value, bool | int | float | None):
            said = "arguments are not JSON"
        if said:
            return said
    return None


def why(tool_name: str, arguments: dict, declared: dict | None) -> str | None:
    """Say why a call counts as destructive, or None when it only reads."""
    try:
        if not isinstance(tool_name, str) or not isinstance(arguments, dict):
            return "malformed call"
        if not isinstance(declared, dict):
            return "unknown tool"
        declared_read = declared.get("is_destructive") is False and bool(declared.get("scope"))
        return (
            _declared_reason(declared)
            or _name_reason(tool_name, declared_read)
            or _arguments_reason(arguments, _tool(tool_name))
        )
    except Exception as error:  # noqa: BLE001 - a call that cannot be judged must not pass
        return f"could not be judged: {type(error).__name__}"


def is_destructive(tool_name: str, arguments: dict, declared: dict | None) -> bool:
    """Judge by the strictest of name, arguments and declaration."""
    return why(tool_name, arguments, declared) is not None
