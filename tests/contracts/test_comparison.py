"""What breaks a promise and what does not, where a schema alone does not say it."""

import pytest

from contracts import comparison


class TestIsBreaking:
    @pytest.mark.parametrize(
        ("before", "after", "is_breaking"),
        [
            ({"provider": "shop"}, {"provider": "store"}, True),
            ({}, {"plain_names": True}, True),
            ({"plain_names": True}, {}, True),
            ({}, {"plain_names": False}, False),
        ],
    )
    def test_is_whatever_gives_tools_other_names(self, before, after, is_breaking):
        (change,) = comparison.changes(before, after)
        assert change.is_breaking is is_breaking
