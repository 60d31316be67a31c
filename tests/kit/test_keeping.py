"""What is kept of a foreign text: cut after it was read, and ids that stay apart."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from awooop.kit.redaction import excerpt, identity, redact

TOKEN = "gh" + "p_" + "a1B2c3D4" * 5


class TestExcerpt:
    @pytest.mark.parametrize("before", [0, 440, 459, 480, 496, 499, 500, 501])
    @pytest.mark.parametrize("after", [0, 50, 9_000, 60_000])
    def test_never_ends_with_half_a_secret(self, before, after):
        text = "." * before + f" {TOKEN} " + " more" * (after // 5)
        kept = excerpt(text, 500)

        assert len(kept) <= 500
        assert "a1B2" not in kept

    @pytest.mark.parametrize("at", range(8_600, 8_720, 7))
    def test_does_not_show_what_its_own_cut_took_apart(self, at):
        shrinks = "password=" + "x1Y2" * 1_900  # hidden, it draws what follows into view
        text = f"{shrinks} {'-' * (at - len(shrinks))} {TOKEN} {'.' * 9_000}"
        assert "a1B2" not in excerpt(text, 500)

    def test_leaves_a_plain_text_as_it_is(self):
        assert excerpt("the disk is full", 500) == "the disk is full"
        assert excerpt("the disk is full", 8) == "the disk"


class TestIdentity:
    def test_leaves_a_plain_id_as_it_is(self):
        assert identity("am-0192f3a0", 300) == "am-0192f3a0"

    @pytest.mark.parametrize("text", [TOKEN, "e" * 301, "bob@example.com", "password=hunter2x"])
    def test_hides_secrets_and_what_is_too_long_the_same_way_each_time(self, text):
        kept = identity(text, 300)
        assert kept == identity(text, 300)
        assert text not in kept
        assert redact(kept) == kept
        assert identity(kept, 300) == kept

    @given(st.text(max_size=40), st.text(max_size=40))
    @settings(max_examples=200, deadline=None)
    def test_keeps_different_ids_apart(self, one, other):
        names = [f"{mark}{TOKEN}{rest}" for mark in ("", "x-") for rest in (one, other)]
        assert len({identity(name, 300) for name in names}) == len(set(names))
