"""Redaction against new cases: what an adversary would bring, and what a plain day brings.

The makers of secrets are those of the corpus; surroundings, disguises and harmless texts are not.
"""

import base64
import codecs
import html
import importlib.util
import json
import random
import re
import secrets
import string
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awooop.kit.redaction import redact

HERE = Path(__file__).parent
TEXTS = json.loads((HERE / "redaction_adversary.json").read_text(encoding="utf-8"))
ALNUM = string.ascii_letters + string.digits


def corpus():
    spec = importlib.util.spec_from_file_location("corpus", HERE / "redaction_corpus.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


CORPUS = corpus()


@pytest.fixture(params=[4, 8, "new"])
def m(request):
    seed = secrets.randbits(64) if request.param == "new" else request.param
    return CORPUS.Maker(seed)


def missed(secret, text):
    """Say what is still seen of a secret."""
    return list(CORPUS.survivors(secret, redact(text)))


def in_context(m):
    """Return (secret, text): each shape in several frames, each name with several values."""
    made = []
    for make in CORPUS.shaped(m).values():
        for frame in m.random.sample(TEXTS["frames"], 6):
            secret = make()
            quoted = json.dumps(secret)[1:-1] if '"«»"' in frame or '":"' in frame else secret
            made.append((quoted, frame.replace("«»", quoted)))
    for frame in TEXTS["named"]:
        for secret in (m.of(ALNUM, 32), m.password()):
            made.append((secret, frame.replace("«»", secret)))
    return made


def _spread(mark):
    return lambda text, m: text[:3] + mark + text[3:9] + mark + text[9:]


def _entities(text, m):
    return "".join(f"&#{ord(c)};" if m.random.random() < 0.6 else c for c in text)


def _escaped(text, m):
    return "".join(f"\\x{ord(c):02x}" for c in text)


def _bold(text, m):
    """Mathematical bold letters and digits, which NFKC folds."""
    table = {c: chr(0x1D400 + i) for i, c in enumerate(string.ascii_uppercase)}
    table |= {c: chr(0x1D41A + i) for i, c in enumerate(string.ascii_lowercase)}
    table |= {c: chr(0x1D7CE + i) for i, c in enumerate(string.digits)}
    return "".join(table.get(c, c) for c in text)


def _backslashed(text, m):
    at = len(text) // 2
    return f"{text[:at]}\\\n  {text[at:]}"


DISGUISES = {
    "zero-width": _spread("\u200b"),
    "joiner": _spread("\u2060"),
    "ansi": _spread("\x1b[38;5;196m"),
    "reset": _spread("\x1b[0m"),
    "entities": _entities,
    "hex escapes": _escaped,
    "bold": _bold,
    "hex": lambda text, m: codecs.encode(text.encode(), "hex").decode(),
    "base64": lambda text, m: base64.b64encode(f"value: {text}\n".encode()).decode(),
    "urlsafe": lambda text, m: base64.urlsafe_b64encode(text.encode()).decode().rstrip("="),
    "percent": lambda text, m: "".join(f"%{ord(c):02x}" for c in text),
    "percent twice": lambda text, m: quote(quote(f" {text} ", safe=""), safe=""),
    "json": lambda text, m: json.dumps(json.dumps({"inner": text})),
    "html": lambda text, m: html.escape(f'<a href="{text}">'),
}
WRAPPED = {"backslash": _backslashed}
PREFIXED = ("github", "gitlab", "slack", "openai", "anthropic", "stripe", "npm", "aws", "jwt")


def disguised(m):
    shaped = CORPUS.shaped(m)
    kinds = [k for k in shaped if not k.startswith(("pem", "bcrypt"))]
    made = []
    for name, disguise in DISGUISES.items():
        for kind in m.random.sample(kinds, 12):
            secret = shaped[kind]()
            made.append((f"{name} {kind}", secret, f"note: {disguise(secret, m)} end"))
    for name, disguise in WRAPPED.items():
        for kind in PREFIXED:
            secret = shaped[kind]()
            made.append((f"{name} {kind}", secret, f"note: {disguise(secret, m)} end"))
    return made


def harmless(m):
    """Return texts of a plain day."""
    return filled(m, [*TEXTS["harmless"], *TEXTS["logs"]] * 5)


def filled(m, texts):
    """Return texts with random values in the places that are marked."""
    r = m.random

    def value(mark):
        return {
            "pod": lambda: m.of("bcdfghjklmnpqrstvwxz2456789", 5),
            "sha1": lambda: m.of(CORPUS.HEX, 40),
            "sha7": lambda: m.of(CORPUS.HEX, 7),
            "sha256": lambda: m.of(CORPUS.HEX, 64),
            "md5": lambda: m.of(CORPUS.HEX, 32),
            "hex32": lambda: m.of(CORPUS.HEX, 32),
            "hex16": lambda: m.of(CORPUS.HEX, 16),
            "hexpairs": lambda: ":".join(m.of("0123456789ABCDEF", 2) for _ in range(32)),
            "uuid": lambda: str(uuid.UUID(int=r.getrandbits(128), version=4)),
            "n": lambda: str(r.randrange(10, 9_999)),
            "n8": lambda: m.digits(8),
            "n12": lambda: m.digits(12),
            "b": lambda: str(r.randrange(256)),
            "d": lambda: m.digits(1),
            "d1": lambda: r.choice("123456789"),
        }[mark]()

    return [re.sub("«(.*?)»", lambda mark: value(mark.group(1)), text) for text in texts]


class TestBars:
    def test_recall_is_99_percent_in_new_contexts(self, m):
        cases = in_context(m)
        gone = [f"{text!r} -> {redact(text)!r}" for secret, text in cases if missed(secret, text)]
        assert len(cases) >= 300
        assert len(gone) <= len(cases) * 0.01, "\n".join(gone)

    def test_recall_is_90_percent_in_new_disguises(self, m):
        cases = disguised(m)
        gone = []
        for name, secret, text in cases:
            after = redact(text)
            shown = text.removeprefix("note: ").removesuffix(" end")
            untouched = "[secret:" not in after and list(CORPUS.survivors(shown, after))
            if untouched or list(CORPUS.survivors(secret, after)):
                gone.append(f"{name}: {text!r} -> {after!r}")
        assert len(cases) >= 100
        assert len(gone) <= len(cases) * 0.1, "\n".join(gone)

    def test_precision_is_98_percent_on_a_plain_day(self, m):
        texts = harmless(m)
        changed = [f"{text!r} -> {redact(text)!r}" for text in texts if redact(text) != text]
        assert len(texts) >= 300
        assert len(changed) <= len(texts) * 0.02, "\n".join(changed)

    def test_is_stable_and_keeps_json(self, m):
        for _secret, text in in_context(m):
            once = redact(text)
            assert redact(once) == once
            wrapped = json.dumps({"message": text, "n": [text]})
            told = json.loads(redact(wrapped))
            assert told["n"] == [told["message"]]
            assert redact(json.dumps(told)) == json.dumps(told)


class TestSpeed:
    def test_ten_megabytes_of_logs_take_less_than_five_seconds(self):
        lines = filled(CORPUS.Maker(3), TEXTS["logs"] * 500)
        text = "\n".join(lines)

        whole = min(_seconds(lambda: redact(text)) for _ in range(3))
        by_line = min(_seconds(lambda: [redact(line) for line in lines]) for _ in range(2))
        assert whole * 10_000_000 / len(text) < 5
        assert by_line * 10_000_000 / len(text) < 8


def _seconds(work):
    start = time.thread_time()
    work()
    return time.thread_time() - start


CARRIERS = st.sampled_from([*TEXTS["frames"], *TEXTS["named"]])


class TestProperties:
    @given(st.lists(CARRIERS, min_size=1, max_size=4), st.integers(0, 2**32), st.text(max_size=5))
    @settings(max_examples=400, deadline=None)
    def test_twice_is_once_on_mixtures(self, frames, seed, mark):
        m = CORPUS.Maker(seed)
        text = mark.join(frame.replace("«»", m.password()) for frame in frames)
        once = redact(text)
        assert redact(once) == once

    @given(st.integers(0, 2**32))
    @settings(max_examples=12, deadline=None)
    def test_twice_is_once_on_large_texts(self, seed):
        source = random.Random(seed)
        m = CORPUS.Maker(seed)
        frames = [*TEXTS["frames"], *TEXTS["named"], *TEXTS["harmless"]]
        text = "\n".join(source.choice(frames).replace("«»", m.password()) for _ in range(700))
        once = redact(text)
        assert len(text) > 16_384
        assert redact(once) == once
