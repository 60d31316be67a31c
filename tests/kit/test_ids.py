"""Identities and traces."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from awooop.kit import ids

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))


class TestNewId:
    def test_is_a_version_7_uuid_of_now(self):
        made = ids.new_id()

        assert made.version == 7
        assert abs(ids.made_at(made) - datetime.now(UTC)) < timedelta(seconds=5)

    def test_is_ordered_by_time(self):
        made = [ids.new_id() for _ in range(1000)]

        assert made == sorted(made)


class TestFloorId:
    @given(MOMENTS)
    def test_is_not_above_an_id_of_that_millisecond_and_above_those_before(self, moment):
        floor = ids.floor_id(moment)

        assert floor.version == 7
        assert ids.made_at(floor) <= moment < ids.made_at(floor) + timedelta(milliseconds=1)


class TestTraceId:
    def test_is_a_traceparent(self):
        version, trace, span, flags = ids.trace_id().split("-")

        assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")

    def test_keeps_the_callers_trace_and_makes_its_own_span(self):
        mine = ids.trace_id("00-" + "a" * 32 + "-" + "b" * 16 + "-00")

        assert mine.split("-")[1] == "a" * 32
        assert mine.split("-")[2] != "b" * 16

    @pytest.mark.parametrize(
        "wrong",
        [
            "",
            "x",
            "00-" + "0" * 32 + "-" + "b" * 16 + "-01",
            "00-" + "a" * 48 + "-" + "b" * 16 + "-01",
            "ff-" + "a" * 32 + "-" + "b" * 16 + "-01",
            "00-" + "a" * 32 + "-" + "0" * 16 + "-01",
        ],
    )
    def test_starts_a_new_trace_when_the_callers_is_malformed(self, wrong):
        assert ids.trace_id(wrong).split("-")[1] not in wrong or not wrong
