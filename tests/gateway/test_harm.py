"""The bar of harm: nothing that writes escapes, and little that reads is stopped."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.harm import is_destructive, why

CORPUS = json.loads((Path(__file__).parent / "harm_corpus.json").read_text())
READ = {"is_destructive": False, "scope": "read"}
KILOBYTES_64 = 64 * 1024

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
json_objects = st.dictionaries(st.text(max_size=12), json_values, max_size=6)
snake_names = st.lists(
    st.sampled_from(
        [
            "get",
            "list",
            "delete",
            "update",
            "pods",
            "run",
            "users",
            "status",
            "and",
            "kill",
            "create",
            "drain",
            "scale",
            "logs",
            "set",
        ]
    ),
    min_size=1,
    max_size=4,
)
declarations = st.fixed_dictionaries(
    {},
    optional={
        "is_destructive": st.sampled_from([True, False, None]),
        "scope": st.sampled_from(["read", "write", "admin"]),
        "annotations": st.dictionaries(
            st.sampled_from(["readOnlyHint", "destructiveHint", "title"]), st.booleans()
        ),
    },
)


def _judged(call: dict) -> str | None:
    return why(call["name"], call["arguments"], call.get("declared", READ))


class TestCorpus:
    def test_is_large_enough(self):
        assert len(CORPUS["block"]) >= 360
        assert len(CORPUS["harmless"]) >= 150

    def test_lets_nothing_escape(self):
        escapes = [ascii(call)[:160] for call in CORPUS["block"] if _judged(call) is None]
        assert escapes == []

    def test_judges_rather_than_stumbles(self):
        calls = CORPUS["block"] + CORPUS["harmless"]
        assert not [c for c in calls if (_judged(c) or "").startswith("could not")]

    def test_raises_few_false_alarms(self):
        alarms = [(ascii(c)[:160], _judged(c)) for c in CORPUS["harmless"] if _judged(c)]
        assert len(alarms) <= 0.01 * len(CORPUS["harmless"]), alarms


class TestWhy:
    @pytest.mark.parametrize(
        "verb", ["delete", "drop", "kill", "exec", "apply", "patch", "scale", "drain"]
    )
    def test_names_the_verb(self, verb: str):
        assert verb in (why(f"get_{verb}_pod", {}, READ) or "")

    def test_says_nothing_about_a_read(self):
        assert why("get_pods", {"namespace": "prod"}, READ) is None

    @pytest.mark.parametrize("name", ["zorpify", "dm_user", "userZorponise", "lamp_off"])
    def test_blocks_an_order_by_a_verb_nobody_knows(self, name: str):
        assert why(name, {}, READ) == "name may begin with a verb"

    @pytest.mark.parametrize(
        "name", ["zorp_status", "get_zorp", "sales_order", "file_type", "email_template"]
    )
    def test_lets_pass_what_a_thing_has(self, name: str):
        assert why(name, {}, READ) is None

    @pytest.mark.parametrize("text", ["git push", "ls; mv a b", "sudo kubectl -n x drain y"])
    def test_sees_a_line_of_commands_under_any_key(self, text: str):
        assert why("get_pods", {"anything": text}, READ) == "text is a writing command"

    @pytest.mark.parametrize("text", ["git log; ls", "git is slow, why?", "a node; mean load"])
    def test_takes_neither_a_reading_line_nor_prose_for_a_writing_one(self, text: str):
        assert why("get_pods", {"anything": text}, READ) is None

    def test_takes_what_a_tool_translates_for_prose(self):
        text = "kill the lights; service is down\nmount failed"
        assert why("translate_text", {"input": text}, READ) is None
        assert why("get_pods", {"input": text}, READ)

    def test_counts_unknown_tools_as_destructive(self):
        assert why("get_pods", {}, None) == "unknown tool"

    @pytest.mark.parametrize("arguments", [None, [], "x", 3])
    def test_refuses_arguments_that_are_no_object(self, arguments: object):
        assert is_destructive("get_pods", arguments, READ)

    @pytest.mark.parametrize("name", [None, 3, b"get_pods", ["get_pods"]])
    def test_refuses_a_name_that_is_no_text(self, name: object):
        assert is_destructive(name, {}, READ)

    @pytest.mark.parametrize(
        "arguments",
        [
            {"a": {1, 2}},
            {"a": b"x"},
            {"a": object()},
            {"text": "x" * 300_000},
            {"a": [{"b": 1}] * 9_000 + ["x"] * 9_000},
            {"command": "ls " + "a" * 9_000},
        ],
    )
    def test_refuses_what_it_cannot_judge(self, arguments: dict):
        assert is_destructive("get_pods", arguments, READ)

    def test_judges_a_value_that_holds_itself(self):
        endless: dict = {}
        endless["again"] = endless
        assert is_destructive("get_pods", endless, READ)

    def test_is_not_loosened_by_a_dry_run(self):
        assert is_destructive("delete_pod", {"dry_run": True}, READ)
        assert is_destructive("get_pods", {"command": "rm x", "dryRun": True}, READ)

    def test_leaves_the_provider_out_of_the_verdict(self):
        assert not is_destructive("list_pods__delete-server", {}, READ)
        assert is_destructive("delete_pod__read-server", {}, READ)


class TestTime:
    @pytest.mark.parametrize("key", ["query", "sql", "text", "input", "args", "any"])
    @pytest.mark.parametrize(
        "unit",
        ["a", " ", "\n", "'", "\\'", "\"'", "/*", ";", "select ", "delete_", "update x set ", "a_",
         "$(", "copy ", "[1,", "{", "mutation { ", "%64", "查詢", "e\u0301", "with a as (",
         "sudo ", "git ", "git a;", "kubectl -n x\n", "fetch(method : ", "open(a, "],
    )  # fmt: skip
    def test_grows_no_faster_than_the_input(self, key: str, unit: str):
        text = unit * (KILOBYTES_64 // len(unit))
        started = time.process_time()
        why("query_database", {key: text}, READ)
        assert time.process_time() - started < 0.25  # ~50 ms alone; CI shares its cores


class TestInvariants:
    @given(name=st.text(), arguments=json_objects, declared=st.none() | json_objects)
    @settings(max_examples=300, deadline=None)
    def test_never_raises(self, name: str, arguments: dict, declared: dict | None):
        assert is_destructive(name, arguments, declared) in (True, False)
        assert not (why(name, arguments, declared) or "").startswith("could not be judged")

    @given(name=st.text(), arguments=json_values)
    @settings(max_examples=100, deadline=None)
    def test_unknown_is_always_destructive(self, name: str, arguments: object):
        assert is_destructive(name, arguments, None)

    @given(words=snake_names, arguments=json_objects, declared=declarations)
    @settings(max_examples=200, deadline=None)
    def test_declaring_harm_never_loosens(self, words: list, arguments: dict, declared: dict):
        name = "_".join(words)
        for harm in (
            {"is_destructive": True},
            {"scope": "write"},
            {"scope": "admin"},
            {"annotations": {"destructiveHint": True}},
            {"annotations": {"readOnlyHint": False}},
        ):
            assert is_destructive(name, arguments, declared | harm)
        if is_destructive(name, arguments, READ):
            assert is_destructive(name, arguments, declared)

    @given(words=snake_names)
    @settings(max_examples=300, deadline=None)
    def test_case_and_separators_change_nothing(self, words: list):
        verdict = is_destructive("_".join(words), {}, READ)
        camel = words[0] + "".join(word.title() for word in words[1:])
        for name in ("-".join(words), ".".join(words), " ".join(words), "/".join(words), camel,
                     "_".join(words).upper(), "".join(word.title() for word in words)):  # fmt: skip
            assert is_destructive(name, {}, READ) == verdict, name

    @given(words=snake_names, data=st.data())
    @settings(max_examples=200, deadline=None)
    def test_invisible_letters_change_nothing(self, words: list, data: st.DataObject):
        name = "_".join(words)
        at = data.draw(st.integers(0, len(name)))
        hidden = data.draw(st.sampled_from("\u200b\u200c\u200d\u2060\ufeff\u00ad\u0301\ufe0f"))
        spoilt = name[:at] + hidden + name[at:]
        assert is_destructive(spoilt, {}, READ) == is_destructive(name, {}, READ)

    @given(arguments=json_objects)
    @settings(max_examples=100, deadline=None)
    def test_arguments_only_tighten(self, arguments: dict):
        assert is_destructive("delete_pod", arguments, READ)
        if not is_destructive("get_pods", arguments, READ):
            assert is_destructive("get_pods", arguments | {"force": True}, READ)
