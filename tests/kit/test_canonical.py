"""What canonical JSON promises, whichever encoder spells it."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from awooop.kit import canonical

KEYS = st.text() | st.text('ab\x00\x1f\x7f"\\/é\uffff😀', max_size=3)


def values(*more):
    return st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(-(2**53) + 1, 2**53 - 1), KEYS, *more),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
        max_leaves=12,
    )


class TestCanonical:
    @given(values(st.floats()))
    def test_is_what_the_reference_says(self, value):
        try:
            expected = rfc8785.dumps(value)
        except rfc8785.CanonicalizationError:
            with pytest.raises(canonical.NotCanonical):
                canonical.canonical(value)
            return
        assert canonical.canonical(value) == expected

    @given(values())
    def test_survives_being_read_back(self, value):
        try:
            spelled = canonical.canonical(value)
        except canonical.NotCanonical:  # a lone surrogate
            return
        assert canonical.canonical(json.loads(spelled)) == spelled

    @pytest.mark.parametrize("value", [2**53, -(2**53), {1: 2}, {"a": 2**60}, "\ud800", object()])
    def test_refuses_what_readers_would_read_differently(self, value):
        with pytest.raises(canonical.NotCanonical):
            canonical.canonical(value)
