"""Does the name of a tool say that it changes something? Judged word by word, disguises off."""

from collections.abc import Iterator
from functools import lru_cache

from gateway import commands, disguises, verbs
from gateway.disguises import fold
from gateway.verbs import HARM, HARMED, JOIN, MOVED, NOUNISH, NOUNY, PLAIN, PURE, READ, WEAK

MAX_NAME = 256
_UNFIT = "name is empty or too long"


def _hides(word: str) -> bool:
    """Look for a verb of harm inside a longer lower-case word."""
    for mask in verbs.MASKS:
        word = word.replace(mask, " ")
    if any(harm in word for harm in verbs.LONG_HARMS):
        return True
    return any(p.startswith(verbs.EDGE_HARMS) or p.endswith(verbs.EDGE_HARMS) for p in word.split())


@lru_cache(8192)
def kind_of(word: str) -> int | None:
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
    befores = (JOIN, *map(kind_of, parts))
    return tuple(
        "_" if part in verbs.COMPOUNDING and before != JOIN else part
        for part, before in zip(parts, befores, strict=False)
    )


def words_of(text: str) -> list[str]:
    """Split at separators, digits and humps; then cut run-together words."""
    found = (word.lower() for word in commands.WORD.findall(commands.CJK_GAP.sub("", fold(text))))
    return [part for word in found for part in _segment(word)]


def _one_stroke(word: str) -> str:
    """Read i and l as one letter: deiete, kiil."""
    return disguises.ONE_STROKE.get(word.replace("l", "i"), word)


def _readings(text: str) -> Iterator[list[str]]:
    """Yield the ways a name can be read: as written, unhumped, and out of disguise."""
    plain = words_of(text)
    yield plain
    lower = text.lower()
    whole = plain if lower == text else words_of(lower)
    yield [harm for word in whole if (harm := _one_stroke(word)) != word]
    if lower != text and any(len(word) < 3 for word in commands.WORD.findall(text)):
        yield words_of(lower)
    for two, one in disguises.TWO_STROKES:
        if two in lower:
            yield words_of(lower.replace(two, one))
    if lower.translate(disguises.LEET) != lower:
        yield [_one_stroke(word) for word in words_of(lower.translate(disguises.LEET))]
        yield words_of(lower.translate(disguises.LEET | {ord("1"): "l"}))


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
    if kind_of(words[i]) == PURE:
        return after not in verbs.DESCRIPTORS
    return f"{words[read]} {words[i]}" in commands.LIST_TAILS and after is None and i == read + 1


def _judge(words: list[str]) -> tuple[str | None, bool]:
    """Judge one reading of a name: the offending word if any, and whether it reads."""
    read: int | None = None
    weak = joined = False
    pending = None
    for i, word in enumerate(words):
        kind = kind_of(word)
        pair = f"{word}_{words[i + 1]}" if i + 1 < len(words) else ""
        before = f"{words[i - 1]}_{word}" if i else ""
        if pair in verbs.NOUN_PAIRS or before in verbs.NOUN_PAIRS:
            continue
        free = read is None or joined
        if not free and (pair in verbs.READ_PAIRS or before in verbs.READ_PAIRS):
            continue
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


def verb_in(text: str) -> tuple[str | None, bool]:
    """Judge every reading of a name; the plain one says whether it reads."""
    verdicts = [_judge(words) for words in _readings(fold(text))]
    return next((word for word, _ in verdicts if word), None), verdicts[0][1]


def may_order(words: list[str]) -> bool:
    """Say whether a name is shaped like an order by a verb nobody knows."""
    if any(kind_of(word) is None and verbs.VERBAL.fullmatch(word) for word in words):
        return True
    acts = len(words) > 1 and words[0] in verbs.LEADING and words[-1] in verbs.THINGS
    return acts or words[-1:] == ["off"]


def tool_part(name: str) -> str:
    """Leave out the provider, unless the tool part alone says nothing."""
    if "__" not in name or "___" in name:
        return name
    tool = name.rpartition("__")[0]
    return tool if any(kind_of(word) not in (None, PLAIN) for word in words_of(tool)) else name


def reason(name: str, declared_read: bool) -> str | None:
    """Judge the name of a tool."""
    return _reason(name, declared_read) if len(name) <= MAX_NAME else _UNFIT


@lru_cache(8192)
def _reason(name: str, declared_read: bool) -> str | None:
    folded = fold(name)
    if not any(map(str.isalpha, folded)):
        return _UNFIT
    if commands.MASQUERADE.search(name) or commands.ALIEN.search(folded):
        return "name has letters that imitate or hide"
    tool = tool_part(folded)
    word, reads = verb_in(tool)
    if word:
        return f"name says {word}"
    if not reads and may_order(words_of(tool)):
        return "name may begin with a verb"
    return None if reads or declared_read else "name does not say that it reads"
