"""Do the arguments of a call change something? Commands, SQL, HTTP, and keys that say so."""

import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from gateway import commands, names
from gateway.disguises import fold
from gateway.names import MAX_NAME
from gateway.verbs import HARM, HARMED, MOVED, NOUNISH, NOUNY, PURE, READ, READ_PAIRS

MAX_DEPTH, MAX_NODES, MAX_TEXT, MAX_COMMAND = 24, 2000, 150_000, 8192


def _statement_writes(part: str, mode: int) -> bool:
    """Judge one statement; mode 0 demands full grammar, 2 allows only what is known to read."""
    found = re.match(r"[\W_]*([a-z]+)", part)
    if not found:
        return mode == 2 and bool(part.strip(" ()q"))
    first, part = found[1], part[found.start(1) :]
    if first in ("show", "explain", "describe", "desc", "profile"):
        rest = commands.SQL_EXPLAIN.sub("", part, count=1)
        return rest != part and bool(
            commands.SQL_WRITE.match(rest) or commands.SQL_INSIDE.search(rest)
        )
    if first in commands.SQL_READS:
        known = mode == 2 or commands.SQL_READ_SHAPE.match(part)
        return bool(
            known and (commands.SQL_INSIDE.search(part) or commands.SQL_SELECT.search(part))
        )
    return mode == 2 or bool((commands.SQL_WRITE if mode else commands.SQL_TIGHT).match(part))


def _sql_writes(text: str, mode: int) -> bool:
    """Say whether a text is SQL that writes, however its comments and quotes are read."""
    low = commands.GO_LINE.sub(";", commands.HASH_LINE.sub(" ", text.lower()))
    quotes = commands.QUOTED if "\\'" in low or '\\"' in low else commands.QUOTED[:1]
    bare = {commands.bare_sql(low, " ", quoted) for quoted in quotes}
    if "/*" in low:
        bare.add(commands.bare_sql(low, "", commands.QUOTED[0]))
    if any(_statement_writes(part, mode) for one in bare for part in one.split(";") if part):
        return True
    low = low.replace('"', "").replace("`", "").replace("[", "").replace("]", "")
    calls = set(commands.SQL_CALLED.findall(low)) if "(" in low else ()
    return any(map(commands.SQL_CALLS.fullmatch, calls)) or bool(commands.SQL_PACKAGES.search(low))


def _segment_reads(words: list[str], depth: int = 0) -> bool:
    """Say whether one command, given as its words, is known to read only."""
    while words and words[0] in commands.WRAPPERS:
        words = words[2 if words[0] == "timeout" else 1 :]
    path, _, program = words[0].lower().rpartition("/") if words else ("?", "", "")
    if path not in commands.PROGRAM_PATHS or depth > 3:
        return False
    rest = commands.CURL_READS.sub("", " ".join(words)).split() if program == "curl" else words
    if program in ("bash", "sh") and len(words) == 3 and words[1] in ("-c", "-lc"):
        return _command_reads(words[2], depth + 1)
    if program == "xargs":
        rest = [word for word in words[1:] if not commands.XARGS_FLAG.fullmatch(word)]
        return bool(rest) and rest[0] not in commands.FORBIDDEN and _segment_reads(rest, depth + 1)
    rule = commands.FORBIDDEN.get(program)
    if rule and any("$" in word or rule.fullmatch(word) for word in rest[1:]):
        return False
    if program in commands.READ_PROGRAMS or commands.READ_LINES.fullmatch(
        " ".join([program, *rest[1:]])
    ):
        return True
    words = words[1:]
    while words and words[0] in commands.VALUE_FLAGS.get(program, ()):
        words = words[2:]
    heads = {" ".join(words[:1]), " ".join(words[:2])}
    return bool(heads & commands.SUBCOMMANDS.get(program, set()))


def _command_reads(text: str, depth: int = 0) -> bool:
    """Say whether every segment of a shell text is known to read only."""
    segments = commands.split_command(fold(text)) if len(text) <= MAX_COMMAND else None
    return segments is not None and all(_segment_reads(words, depth) for words in segments)


def _command_writes(items: list[str], tool: "Tool", lines: bool = False) -> bool:
    """Judge what stands under a key like command: a line, its words, or several lines."""
    heads: list[list[str]] = [[], [tool.program]] if tool.program else [[]]
    if len(items) > 1 and not lines and " " not in items[0].strip():
        if not commands.SHELL_SIGN.search("".join(items)):
            return not any(_segment_reads([*head, *map(fold, items)]) for head in heads)
        items = [" ".join(items)]
    items = [item for item in items if item.strip()]
    short = sum(map(len, items)) <= MAX_COMMAND
    if short and tool.database and not any(_sql_writes(item, 2) for item in items):
        return False
    return not all(any(_command_reads(" ".join([*head, item])) for head in heads) for item in items)


def _options_write(items: list[str], tool: "Tool") -> bool:
    """Judge args without a command: as those of the tool's program, else by their verbs."""
    text = " ".join(items)[: MAX_COMMAND + 1]
    if tool.program or text.split(" ")[0] in commands.SUBCOMMANDS:
        return _command_writes(items, tool)
    words = names.words_of(text)
    verbal = any(names.kind_of(word) == HARM or word in commands.FLAGS for word in words)
    return verbal or len(text) > MAX_COMMAND or bool(commands.SHELL_SIGN.search(text))


class Tool(NamedTuple):
    """What the name of the tool says about its arguments."""

    reads: bool
    program: str | None
    database: bool
    searches: bool
    shell: bool
    prose: bool


def tool_of(name: str) -> Tool:
    """Read the name for what its arguments may mean."""
    return _tool_of(name[: MAX_NAME + 1])


@lru_cache(8192)
def _tool_of(name: str) -> Tool:
    words = names.words_of(names.tool_part(fold(name)))
    reads = any(names.kind_of(word) == READ for word in words)
    program = next((word for word in words if word in commands.SUBCOMMANDS), None)
    return Tool(reads, program, *(bool(known & {*words}) for known in commands.TOOL_TRAITS))


def _key_says(key: str, words: list[str], value: Any, tool: Tool) -> str | None:
    """Judge a key by its own words: flags, Mongo operators, what to delete."""
    text = value.strip().lower() if isinstance(value, str) else value
    true = text in commands.TRUE if isinstance(text, str) else text is True or text == 1
    off = text is False or (isinstance(text, str) and text in commands.FALSE)
    if key in commands.MONGO_KEYS:
        return f"{key} writes"
    if "".join(words[-2:]) in ("dryrun", "readonly", "validateonly") and off:
        return f"{key} is off"
    said = [word for word in words if word in commands.FLAGS or names.kind_of(word) == HARM]
    if true and said and not (tool.reads and said == ["recursive"]) and "refresh" not in words:
        return f"{key} is set"
    joined = "".join(words)
    if true and joined in commands.SWITCHES:
        return f"{key} is set"
    ends = words[1:] and HARM in (names.kind_of(words[0]), names.kind_of(words[-1]))
    listed = ends and isinstance(value, list) and "_".join(words) not in READ_PAIRS
    given = listed or (joined in commands.ACT_KEYS and not off)
    return f"{key} is given" if given and value else None


def _value_says(words: list[str], path: frozenset[str], value: str, tool: Tool) -> str | None:
    """Judge the value of a key that names what to do: method, action, mode."""
    if "method" in words and value.strip().upper() in commands.HTTP_WRITES:
        return "method writes"
    key = words[-1]
    if key in ("type", "name"):
        key = words[-2] if words[1:] else next(iter(path & commands.CHOICE_KEYS), key)
    if key not in commands.ACTION_KEYS or (tool.reads and key in commands.CALLEE_KEYS):
        return None
    kinds = {names.kind_of(word) for word in names.words_of(value[:MAX_NAME])}
    if tool.reads and kinds <= {HARMED, MOVED, NOUNISH}:
        return None
    if key == "mode" and not kinds & {HARM, PURE}:
        return f"mode {value}" if value.strip().lower() in commands.OPEN_MODES else None
    word, reads = names.verb_in(value[:MAX_NAME])
    unread = key in commands.CHOICE_KEYS and not reads
    unknown = unread and names.may_order(names.words_of(value[:MAX_NAME])[:1])
    word = word or (value if unknown or len(value) > MAX_NAME else None)
    return f"{key} says {word}" if word else None


def _line_acts(text: str, line: bool, tool: Tool) -> bool:
    """Say whether a text under any key is a line of commands, one of which writes."""
    text = text[:MAX_COMMAND]
    parts = commands.SHELL_NEXT.split(text.replace("''", "").replace('""', ""))
    if tool.prose:
        parts, line = parts[:1], False
    return any(_acts(part.split(), line) for part in parts) and not _command_reads(text)


def _acts(words: list[str], line: bool) -> bool:
    """Say whether words begin with a program that is told to write; prose seldom has flags."""
    while words and words[0] in commands.WRAPPERS:
        words, line = words[2 if words[0] == "timeout" else 1 :], True
    program = words[0].lower().rpartition("/")[2] if words else ""
    if len(words) == 1:
        return line and program in commands.WRITERS and names.kind_of(program) in (HARM, NOUNY)
    if program in commands.WRITERS and (line or any(word[0] == "-" for word in words[1:])):
        return True
    if program in commands.FORBIDDEN and program not in commands.SUBCOMMANDS:
        flags = [word for word in words[1:] if line or word[0] == "-"]
        return any(map(commands.FORBIDDEN[program].fullmatch, flags))
    if program not in commands.PROGRAMS:
        return False
    if line:
        return not _segment_reads(words)
    words = words[1:]
    while words and words[0][0] == "-":
        words = words[2 if words[0] in commands.VALUE_FLAGS.get(program, ()) else 1 :]
    kinds = [names.kind_of(part) for word in words[:4] for part in names.words_of(word)]
    return HARM in kinds or kinds[:1] in ([PURE], [NOUNY])


def _text_says(words: list[str], path: frozenset[str], text: str, tool: Tool) -> str | None:
    """Judge a text by the keys it stands under."""
    text = fold(f"{text};{unquote(text)}" if commands.ESCAPED.search(text) else text)
    body = words[-1] in commands.BODY_KEYS and path & commands.STATEMENT_KEYS
    strict = body or words[-1] in commands.STATEMENT_KEYS
    prose = bool(set(words) & commands.PROSE_KEYS)
    mode = 2 if strict else 0 if tool.searches else 1
    if (strict or tool.database or not prose) and _sql_writes(text, mode):
        return "statement writes"
    if prose or (tool.searches and path & commands.QUERY_KEYS):
        return None
    if "{" in text and commands.MUTATION.search(commands.GRAPHQL_QUIET.sub(" ", text)):
        return "GraphQL mutation"
    low = " ".join(text.lower().split())
    if commands.DANGER.search(low):
        return "text holds a writing call"
    line = tool.shell or bool(path & commands.LINE_KEYS or commands.SHELL_JOINT.search(text))
    acts = not path & commands.QUERY_KEYS and _line_acts(text, line, tool)
    return "text is a writing command" if acts else None


def _command_lists(value: Any) -> list[list[str]]:
    """See a value, or each list within it, as the words of a command."""
    items = value if isinstance(value, list | tuple) else [value]
    if any(isinstance(item, list) for item in items):
        return [words for item in items for words in _command_lists(item)]
    return [] if any(isinstance(i, dict | None) for i in items) else [[str(i) for i in items]]


def _commands_say(entries: list[tuple[str, list[str], Any]], tool: Tool) -> str | None:
    """Judge the entries of one dictionary that are commands or their arguments."""
    lists = [(words, items) for _, words, value in entries for items in _command_lists(value)]
    options = [items for words, items in lists if words[-1] in commands.OPTION_KEYS]
    extra = options[0] if len(options) == 1 else []
    for words, items in lists:
        last = {words[-1], "".join(words[-2:])}
        program = last & commands.PROGRAM_KEYS and commands.PROGRAMS & {*items[:1]}
        if program or last & commands.SHELL_KEYS:
            several = words[-1][-1] == "s"
            if _command_writes(items if several else items + extra, tool, several):
                return "command is not known to read only"
            options = options if several or not extra else []
    return "options write" if any(_options_write(items, tool) for items in options) else None


def reason(arguments: dict, tool: Tool) -> str | None:
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
            entries = [
                (str(k), names.words_of(str(k)[:MAX_NAME]) or ["_"], v) for k, v in value.items()
            ]
            stack.extend((v, ws, path | set(ws), depth + 1) for _, ws, v in entries)
            says = (_key_says(fold(key), ws, inner, tool) for key, ws, inner in entries)
            said = next(filter(None, says), None) or _commands_say(entries, tool)
        elif isinstance(value, list | tuple):
            stack.extend((inner, words, path, depth + 1) for inner in value)
        elif isinstance(value, str):
            said = _value_says(words, path, value, tool) or _text_says(words, path, value, tool)
            if value.lstrip()[:1] in ("{", "[") and not set(words) & commands.PROSE_KEYS:
                with suppress(ValueError):
                    stack.append((json.loads(value), words, path, depth + 1))
        elif not isinstance(value, bool | int | float | None):
            said = "arguments are not JSON"
        if said:
            return said
    return None
