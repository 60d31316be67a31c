"""How agents know tools, and which names cannot stand beside each other."""

import pytest

from gateway import lookalikes, naming


class TestClashes:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("get_pods", "Get_Pods"),
            ("list_v1", "list_vl"),
            ("read_0", "read_O"),
            ("scale_Item", "scale_ltem"),
            ("summary", "surnrnary"),
            ("get_pods__cluster", "get_pods__c1uster"),
        ],
    )
    def test_are_told_of_both(self, one, other):
        found = naming.clashes([one, other, "restart"])
        assert found == {
            one: f"it can be taken for {other}",
            other: f"it can be taken for {one}",
        }

    def test_are_told_of_a_name_said_twice(self):
        assert naming.clashes(["a", "b", "a"]) == {"a": "two tools have this name"}

    def test_are_told_of_what_no_client_takes(self):
        assert list(naming.clashes(["x" * 128, "y" * 129])) == ["y" * 129]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("get_pod", "get_pods"),
            ("list_orders", "list-orders"),
            ("get_order", "get_orders"),
            ("get_pods__a", "get_pods__b"),
            ("scale_up", "scale_down"),
            ("node_1", "node_2"),
        ],
    )
    def test_are_none_between_names_that_differ(self, one, other):
        assert naming.clashes([one, other]) == {}


class TestProblem:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("", "no name"),
            ("a" * 129, "longer"),
            ("../get", "path"),
            ("a..b", "path"),
            ("..", "path"),
            ("a/b", "path"),
            ("a\\b", "path"),
            ("get pods", "other characters"),
            ("get\npods", "cannot be seen"),
            ("get\U000e0041", "cannot be seen"),
            ("get\u202epods", "cannot be seen"),
            ("delete__cluster", "underscores"),
            ("_get", "underscores"),
            ("get_", "underscores"),
            ("ɡet_рods", "passes for get_pods"),
            ("ＧＥＴ", "passes for get"),
        ],
    )
    def test_is_named(self, name, words):
        assert words in naming.problem(name)

    @pytest.mark.parametrize("name", ["get_pods", "a", "tools/call"[:5], "ns.list-all_v2", "9to5"])
    def test_is_none_of_a_name_that_contracts_take(self, name):
        assert naming.problem(name) is None


class TestSkeleton:
    @pytest.mark.parametrize(
        "disguised",
        ["ｇet_pods", "gеt_pоds", "𝗀𝖾𝗍_𝗉𝗈𝖽𝗌", "get_pοds", "GET_PODS", "get_p\u200bods", "ɡеt_p0ds"],
    )
    def test_is_that_of_what_a_name_passes_for(self, disguised):
        assert lookalikes.skeleton(disguised) == lookalikes.skeleton("get_pods")
