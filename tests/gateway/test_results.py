"""Answers and arguments: no secret gets through, nothing grows too long, nothing is corrupted."""

import base64
import json
import os
import secrets
import string
import time
from hashlib import sha256
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from awooop.kit import redaction
from contracts.bodies.policy import Policy
from gateway import blocks, digests, fitting, results, visible
from gateway.providers.base import MOST_BYTES, Answer, Secret

MOST = fitting.MOST


def text(words):
    return {"type": "text", "text": words}


def shape(*content, structured=None, is_error=False, definition=None, **more):
    return results.shape(
        Answer(tuple(content), structured, is_error), definition=definition, **more
    )


def only(shaped):
    (block,) = shaped.content
    return block["text"]


def length(shaped):
    spelled = digests.text(shaped.structured) if shaped.structured is not None else ""
    return sum(blocks.size(block) for block in shaped.content) + len(spelled)


def everything(shaped):
    return json.dumps([list(shaped.content), shaped.structured, list(shaped.notes)])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner, max_size=5)
    ),
    max_leaves=20,
)
KINDS = st.sampled_from(["text", "image", "audio", "resource", "resource_link", "video", "", 3])
FIELDS = st.sampled_from(
    ["text", "data", "mimeType", "uri", "name", "resource", "blob", "annotations", "_meta"]
)
BLOCKS = st.builds(
    lambda kind, fields: {**fields, "type": kind}, KINDS, st.dictionaries(FIELDS, JSON, max_size=5)
)


class TestShape:
    def test_leaves_an_ordinary_answer_as_it_is(self):
        shaped = shape(text("3 pods are ready"), structured={"ready": 3, "names": ["a", "b"]})
        assert shaped.content == (text("3 pods are ready"),)
        assert shaped.structured == {"ready": 3, "names": ["a", "b"]}
        assert (shaped.is_error, shaped.notes) == (False, ())

    def test_hides_secrets_wherever_they_stand(self):
        word = secrets.token_hex(12)
        shaped = shape(
            text(f"password={word}"),
            {
                "type": "resource",
                "resource": {"uri": f"x://u:{word}@h/", "text": f"token: {word}1"},
            },
            {
                "type": "resource_link",
                "uri": f"https://u:{word}@h/p",
                "name": f"password={word}",
                "description": f"password={word}",
            },
            text(json.dumps({"env": [{"name": "DB_PASSWORD", "value": word}]})),
            structured={"db": {"password": word}, f"password={word}": 1},
            is_error=True,
        )
        assert word not in everything(shaped)
        assert "redacted" in shaped.notes
        assert shaped.is_error
        assert shaped.content[1]["resource"]["uri"].startswith("x://u:[secret:")

    def test_obeys_the_projects_policy(self):
        policy = redaction.Policy(
            frozenset({"ipv4"}), (("badge", r"BG-\d{6}"),), frozenset({"locker"})
        )
        shaped = shape(
            text("BG-123456 from 10.1.2.3"), structured={"locker": "blue"}, policy=policy
        )
        told = everything(shaped)
        assert not any(part in told for part in ("BG-123456", "10.1.2.3", "blue"))

    def test_takes_over_known_fields_alone(self):
        extra = {"_meta": {"x": 1}, "icons": [], "strange": 1}
        shaped = shape(
            {**text("a"), **extra, "annotations": {"audience": ["user", "x"], "priority": 0.5}},
            {"type": "resource_link", "uri": "f://a", "name": "a", "size": 3, **extra},
            {"type": "resource", "resource": {"uri": "f://a", "text": "b", **extra}, **extra},
        )
        assert shaped.content == (
            {**text("a"), "annotations": {"audience": ["user"], "priority": 0.5}},
            {"type": "resource_link", "uri": "f://a", "name": "a", "size": 3},
            {"type": "resource", "resource": {"uri": "f://a", "text": "b"}},
        )

    def test_tells_of_blocks_it_does_not_know(self):
        shaped = shape({"type": "video", "data": "x"}, {"type": "text"}, "x", {"type": "image"})
        assert [block["text"] for block in shaped.content] == [
            f"[a block of type {name} was left out]" for name in ("video", "text", "none", "image")
        ]

    def test_hashes_the_answer_as_it_came_with_a_key(self, settings):
        one, two = (shape(text(f"pin is {pin}")) for pin in ("1234", "1235"))
        assert one.sha256 != two.sha256
        assert len(one.sha256) == 64
        raw = {"content": [text("pin is 1234")], "structuredContent": None, "isError": False}
        assert one.sha256 != sha256(digests.spelled(raw)).hexdigest()
        assert one.size == len(digests.spelled(raw))
        settings.REDACTION_KEY = secrets.token_hex()
        assert shape(text("pin is 1234")).sha256 != one.sha256

    @given(st.lists(BLOCKS | JSON, max_size=6), st.none() | st.dictionaries(st.text(), JSON), JSON)
    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    def test_raises_for_no_json_and_is_always_fit_for_utf8(self, content, structured, schema):
        shaped = results.shape(
            Answer(tuple(content), structured), definition={"outputSchema": schema}
        )
        assert length(shaped) <= MOST
        json.dumps([list(shaped.content), shaped.structured], allow_nan=False).encode()
        digests.text([list(shaped.content), shaped.structured]).encode()

    def test_bounds_what_is_nested_too_deeply(self):
        deep = inner = {}
        for _ in range(3_000):
            inner["a"] = inner = {}
        shaped = shape(text("ok"), structured=deep)
        assert shaped.content[0] == text("ok")
        assert length(shaped) <= MOST


class TestCut:
    @pytest.mark.parametrize("size", [MOST - 64, MOST, MOST + 1, 100_000, 3_000_000])
    def test_keeps_at_most_16_k_with_a_mark_of_what_is_missing(self, size):
        shaped = shape(text("ab c " * (size // 5) + "x" * (size % 5)))
        words = only(shaped)
        assert len(words) <= MOST
        if size > MOST:
            assert words.endswith(" characters]")
            assert "…[cut: " in words
            assert "cut" in shaped.notes
            assert len(words) > MOST - 100
        elif size == MOST - 64:
            assert len(words) == size

    def test_counts_texts_structured_content_resources_and_links_together(self):
        long = "word " * 4_000
        shaped = shape(
            text(long),
            {"type": "resource", "resource": {"uri": "f://" + "u" * 9_000, "text": long}},
            *({"type": "resource_link", "uri": "f://" + "v" * 5_000, "name": long},) * 5,
            structured={"table": ["cell"] * 900},
            is_error=True,
        )
        assert MOST - 2_500 < length(shaped) <= MOST
        assert shaped.structured is not None
        assert [block["type"] for block in shaped.content[:2]] == ["text", "resource"]

    def test_shares_the_room_fairly(self):
        shaped = shape(text("short message"), text("long " * 9_000), text("longer " * 90_000))
        first, second, third = (block["text"] for block in shaped.content)
        assert first == "short message"
        assert abs(len(second) - len(third)) <= 1
        assert len(second) > 8_000

    def test_never_lets_a_table_silence_the_message(self):
        message = "the disk is full. " * 300
        shaped = shape(text(message), structured={"rows": ["x" * 100] * 140}, is_error=True)
        assert shaped.content[0]["text"] == message
        assert shaped.structured is None
        assert shaped.content[1]["text"].startswith('{"rows":["xxx')
        assert length(shaped) <= MOST

    def test_shows_a_few_blocks_and_counts_the_others(self):
        shaped = shape(*(text(f"line {number}") for number in range(1_000)))
        assert len(shaped.content) == results.MOST_BLOCKS + 1
        assert shaped.content[-1]["text"] == f"…[cut: {1_000 - results.MOST_BLOCKS} blocks]"

    @pytest.mark.parametrize("offset", range(0, 60, 7))
    def test_lets_no_half_of_a_secret_through(self, offset):
        word = "".join(secrets.choice(string.ascii_letters) for _ in range(40)) + "7"
        before = "x " * (MOST // 2 - 60) + "y" * offset
        shaped = shape(text(f"{before} password={word} " + "tail " * 9_000))
        assert not any(word[at : at + 6] in only(shaped) for at in range(len(word) - 6))

    def test_lets_no_half_of_a_credential_through(self):
        value = "".join(secrets.choice(string.ascii_lowercase) for _ in range(5_000))
        shaped = shape(
            text("a " * (MOST // 2 - 500) + value + " b" * 90_000),
            secrets=[Secret(value, version="1")],
        )
        assert not any(value[at : at + 12] in only(shaped) for at in range(0, 4_900, 6))


class TestTwins:
    """A text that repeats the structured content."""

    rows = {"rows": [{"name": f"pod-{number}", "ready": True} for number in range(300)]}

    def test_are_both_shown_while_there_is_room(self):
        small = {"rows": [1, 2], "by": "é"}
        shaped = shape(text(json.dumps(small, indent=2)), structured=small)
        assert shaped.structured == small
        assert shaped.content == (text(json.dumps(small, indent=2, ensure_ascii=False)),)

    def test_are_shown_once_as_text_where_that_is_too_long(self):
        shaped = shape(text(json.dumps(self.rows)), structured=self.rows)
        assert shaped.structured is None
        assert json.loads(only(shaped)) == self.rows
        assert fitting.ONCE in shaped.notes
        assert fitting.CUT not in shaped.notes

    def test_are_shown_once_as_structured_content_where_that_was_promised(self):
        definition = {"outputSchema": {"type": "object"}}
        shaped = shape(text(json.dumps(self.rows)), structured=self.rows, definition=definition)
        assert shaped.structured == self.rows
        assert len(only(shaped)) < 60

    def test_say_the_same_after_redaction(self):
        word = secrets.token_hex(9)
        said = {"token": word, "n": 1}
        shaped = shape(text(json.dumps(said)), structured=said)
        assert json.loads(only(shaped)) == shaped.structured
        assert word not in everything(shaped)
        twice = f'{{"token": "{word}", "token": "x"}}'  # the first is not in what JSON reads
        assert word not in everything(shape(text(twice), structured={"token": "x"}))

    @pytest.mark.parametrize("said", ["a b", "{a", [1, "b"], 5, {"a": 1}, '"x"'])
    def test_are_known_in_the_wrapping_of_other_servers(self, said):
        words = said if isinstance(said, str) else json.dumps(said)
        shaped = shape(text(words), structured={"result": said})
        assert shaped.structured == {"result": said}
        assert only(shaped) == words
        assert shaped.notes == ()


class TestSchema:
    definition = {
        "outputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }

    def test_that_fits_changes_nothing(self):
        shaped = shape(structured={"n": 1}, definition=self.definition)
        assert (shaped.structured, shaped.notes) == ({"n": 1}, ())

    def test_that_does_not_fit_turns_structured_content_into_text(self):
        shaped = shape(structured={"n": "many"}, definition=self.definition)
        assert shaped.structured is None
        assert json.loads(only(shaped)) == {"n": "many"}
        assert shaped.notes == (results.UNFIT,)
        assert not shaped.is_error

    def test_is_not_asked_of_errors(self):
        shaped = shape(text("no"), structured={"n": "x"}, is_error=True, definition=self.definition)
        assert shaped.structured == {"n": "x"}
        assert shape(text("no"), is_error=True, definition=self.definition).notes == ()
        assert shape(text("no"), definition=self.definition).notes == (results.UNFIT,)

    def test_that_would_harm_is_not_used(self):
        hostile = {"type": "object", "properties": {"a": {"$ref": "http://127.0.0.1:9/x"}}}
        shaped = shape(structured={"a": 1}, definition={"outputSchema": hostile})
        assert shaped.structured == {"a": 1}
        assert shaped.notes == (results.UNJUDGED,)


class TestBinary:
    def image(self, size):
        return {"type": "image", "data": base64.b64encode(os.urandom(size)).decode()}

    def test_passes_unchanged_while_there_is_room(self):
        for kind in ("image", "audio"):
            block = {**self.image(3_000), "type": kind, "mimeType": f"{kind}/png"}
            assert shape(block, text("see")).content == (block, text("see"))

    def test_is_told_by_its_digest_beyond(self):
        block = {**self.image(48_213), "mimeType": "image/png"}
        digest = sha256(base64.b64decode(block["data"])).hexdigest()
        assert only(shape(block)) == f"image/png, 48,213 bytes, sha256 {digest}"
        many = shape(*({**self.image(5_000), "mimeType": "image/png"} for _ in range(9)))
        assert length(many) <= MOST
        assert [block["type"] for block in many.content].count("image") == 2

    def test_that_holds_a_secret_is_withheld(self):
        word = secrets.token_hex(12)
        blob = {"uri": "f://x", "mimeType": "text/plain", "blob": ""}
        for raw in (f"password={word}".encode(), b"\xff\x00" + word.encode()):
            made = {**blob, "blob": base64.b64encode(raw).decode()}
            shaped = shape(
                {"type": "resource", "resource": made}, secrets=[Secret(word, version="1")]
            )
            assert only(shaped).endswith("withheld: it holds a secret")

    def test_that_is_none_is_said_so(self):
        shaped = shape({"type": "image", "data": "<script>" * 9, "mimeType": "<b>"})
        assert only(shaped) == "application/octet-stream, 72 characters that are not base64"


class TestHidden:
    @pytest.mark.parametrize(
        ("written", "seen"),
        [
            ("a\u200bb\u2060c\ufeff", "abc"),
            ("\u202eabc\u202c\u2066x\u2069", "abcx"),
            ("ok\U000e0049\U000e0067", "ok"),
            ("\x1b[31mred\x1b[0m \x1b]0;title\x07x\x9b1m", "red x"),
            ("a\0b\x08c\ud800", "abc\ufffd"),
            ("tab\tline\r\n", "tab\tline\r\n"),
            ("👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3 中文", "👩\u200d💻 ❤\ufe0f 1\ufe0f\u20e3 中文"),
        ],
    )
    def test_characters_reach_no_model(self, written, seen):
        shaped = shape(text(written), structured={"a": written, written: 1})
        assert only(shaped) == seen == visible.of(written)
        assert shaped.structured == {"a": seen, seen: 1}
        assert ("hidden characters removed" in shaped.notes) == (written != seen)

    def test_characters_hide_no_secret(self):
        key = "AKIA" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(16))
        for written in ("\u200b".join(key), f"\x1b[1m{key}\x1b[0mtail", f"x\u2060{key}\u2060y"):
            assert key not in everything(shape(text(written), structured={"a": written}))


class TestEchoes:
    """A server says back the credential it was shown."""

    def spellings(self, value):
        raw = value.encode()
        yield from (value, f"x{value}y", json.dumps(value), json.dumps({"a": [value]}))
        yield from (
            quote(value, safe=""),
            quote(value, safe="").lower(),
            raw.hex(),
            raw.hex().upper(),
        )
        for lead in ("", "u", "us", "user:"):
            yield base64.b64encode((lead + value).encode()).decode()
            yield base64.urlsafe_b64encode((lead + value + "zz").encode()).decode()
        yield "\u200b".join(value)
        yield repr({"Authorization": value})

    @pytest.mark.parametrize(
        "value", ['correct horse/battery+staple=é"\\', "plainwordsonly", "7-a b'c"]
    )
    def test_are_hidden_in_every_usual_spelling(self, value):
        secret = [Secret(value, version="1")]
        for said in self.spellings(value):
            shaped = shape(
                text(f"it was {said}."), structured={"a": [said], said: 1}, secrets=secret
            )
            told = everything(shaped)
            assert said not in only(shaped)
            assert value not in only(shaped)
            assert json.dumps(value)[1:-1] not in told

    def test_are_hidden_by_their_parts(self):
        word, line = secrets.token_hex(12), secrets.token_urlsafe(48)
        basic = base64.b64encode(f"grafana:{word}".encode()).decode()
        secret = [Secret(f"Basic {basic}", version="1"), Secret(f"-----X\n{line}\n", version="2")]
        shaped = shape(text(f"grafana is {word}, {basic}; line {line}"), secrets=secret)
        assert only(shaped).startswith("grafana is [secret:")
        assert not any(part in everything(shaped) for part in (word, basic, line))

    def test_of_a_short_one_are_hidden_as_words_alone(self):
        shaped = shape(text("is a7 or ba7 a77"), secrets=[Secret("a7", version="1")])
        assert only(shaped).endswith(" or ba7 a77")
        assert "is a7" not in only(shaped)

    def test_are_hidden_in_numbers_names_and_errors(self):
        value = str(secrets.randbelow(10**9) + 10**9)
        secret = [Secret(value, version="1")]
        shaped = shape(structured={"a": int(value), value: [1.5]}, is_error=True, secrets=secret)
        assert value not in everything(shaped)
        assert value not in results.plain(f"HTTP 401: key {value} is not known", secrets=secret)
        link = {"type": "resource_link", "uri": f"https://h/{value}", "name": value}
        typed = {"type": value, "data": "", "mimeType": f"x/{value}"}
        image = {"type": "image", "data": "aGk=", "mimeType": f"image/{value}"}
        assert value not in everything(shape(link, typed, image, secrets=secret))


class TestTime:
    worst = {
        "names of secrets": lambda: text("password=hunter22 token: abcdefgh12345 " * 110_000),
        "escapes": lambda: text("%41\\u0041 \u200bpassword=a " * 160_000),
        "hidden": lambda: text("\u200b\x1b[" * 1_000_000),
        "json": lambda: text(json.dumps([{"password": f"x{n}"} for n in range(180_000)])),
        "blocks": lambda: [text("pwd=a1 %41") for _ in range(100_000)],
        "image": lambda: {"type": "image", "data": "QUFB" * 1_000_000},
        "twin": lambda: text("{" + " " * 4_000_000 + "}"),
    }

    @pytest.mark.parametrize("kind", worst)
    def test_of_the_worst_4_mib_is_a_second_at_most(self, kind):
        made = self.worst[kind]()
        made = made if isinstance(made, list) else [made]
        secret = [Secret(secrets.token_hex(20), version="1")]
        started = time.process_time()
        assert length(shape(*made, structured={"a": 1}, secrets=secret)) <= MOST
        assert time.process_time() - started < 1

    def test_of_the_worst_structured_content_is_a_second_at_most(self):
        worst = ({"a": [1.5] * (MOST_BYTES // 4)}, {f"é{n}": [] for n in range(100_000)})
        for structured in worst:
            started = time.process_time()
            assert length(shape(text("a"), structured=structured)) <= MOST
            assert time.process_time() - started < 1


class TestOutgoing:
    def test_leaves_ordinary_arguments_as_they_are(self):
        arguments = {"namespace": "shop", "replicas": 3, "labels": {"app": "web"}, "n": [1.0, None]}
        sent = results.outgoing(arguments)
        assert sent == arguments
        assert results.replaced(arguments, sent) == ""

    def test_replaces_secrets_and_says_where(self):
        word = secrets.token_hex(12)
        arguments = {"env": [{"name": "a/b", "value": 1}, {"password": word}], "q": f"token={word}"}
        sent = results.outgoing(arguments)
        assert word not in json.dumps(sent)
        told = results.replaced(arguments, sent)
        assert "/env/1/password" in told
        assert "/q" in told
        assert word not in told

    def test_obeys_the_projects_policies(self):
        policies = [Policy.model_validate({"redaction": {"names": ["locker"]}}), Policy()]
        sent = results.outgoing({"locker": "blue"}, policies)
        assert "blue" not in str(sent)
        assert "blue" not in results.kept({"locker": "blue"}, policies).text
        assert "blue" not in results.plain("locker: blue", policies)

    @given(st.dictionaries(st.text(), JSON))
    @settings(max_examples=40, deadline=None)
    def test_raises_for_no_json(self, arguments):
        assert isinstance(results.replaced(arguments, results.outgoing(arguments)), str)
        kept = results.kept(arguments)
        assert len(kept.text.encode()) <= 8_000
        assert len(kept.text) <= 2_000
        assert len(kept.sha256) == 64


class TestKept:
    def test_arguments_are_short_and_without_secrets(self):
        word = secrets.token_hex(12)
        assert word not in results.kept({"password": word}).text
        assert results.kept({"b": 1, "a": "é"}).text == '{"a":"é","b":1}'
        long = results.kept({"password": word, "text": "word " * 9_000}).text
        assert len(long) <= 2_000
        assert word not in long
        assert long.endswith(" characters]")

    def test_arguments_that_are_equal_have_equal_hashes_that_tell_nothing(self):
        one, two = results.kept({"a": 1, "b": 2.0}), results.kept({"b": 2, "a": 1})
        assert one.sha256 == two.sha256
        pin = results.kept({"pin": 1234}).sha256
        assert pin != sha256(b'{"pin":1234}').hexdigest()
        assert pin != results.kept({"pin": 1235}).sha256
