"""Schemas of servers: what is used of them, and what keeps a tool from being used."""

import pytest

from gateway import schemas


def judge(**schema: object) -> object:
    return schemas.validator({"inputSchema": {"type": "object", **schema}})


class TestValidator:
    def test_an_anchor_is_only_a_name(self) -> None:
        judge(**{"$defs": {"a": {"$anchor": "here", "type": "string"}}})

    def test_a_reference_to_an_anchor_is_refused(self) -> None:
        with pytest.raises(ValueError, match="refers to no schema"):
            judge(**{"$defs": {"a": {"$anchor": "here"}}, "properties": {"b": {"$ref": "#here"}}})

    def test_a_value_that_looks_like_an_anchor_stays(self) -> None:
        asked = judge(properties={"a": {"const": {"$anchor": "x"}}})
        assert schemas.faults(asked, {"a": {}})
        assert not schemas.faults(asked, {"a": {"$anchor": "x"}})
