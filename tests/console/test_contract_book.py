"""The page of contracts leaves out no field, and shows goldens that hold."""

import json
import re

import pytest

from awooop.console import contract_book
from contracts import bodies, schemas
from contracts.bodies.shapes import WORDS
from contracts.models import Family


def described(schema):
    """Every field with a description in a schema, wherever it stands."""
    if isinstance(schema, dict):
        for name, field in schema.get("properties", {}).items():
            if isinstance(field, dict):
                yield name, field
        for key, each in schema.items():
            if key not in ("examples", "default"):
                yield from described(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from described(each)


def patterns(schema):
    if isinstance(schema, dict):
        yield from [schema["pattern"]] if isinstance(schema.get("pattern"), str) else []
        yield from schema.get("patternProperties", {})
    for each in schema.values() if isinstance(schema, dict) else schema:
        if isinstance(each, dict | list):
            yield from patterns(each)


@pytest.fixture(scope="module")
def parts():
    """Each family's part of the page."""
    page = contract_book.page()
    found = re.split(r"^## (\w+)$", page, flags=re.MULTILINE)[1:]
    return dict(zip(found[::2], found[1::2], strict=True))


@pytest.mark.parametrize("family", Family.values)
class TestPage:
    def test_describes_every_field(self, family, parts):
        for name, field in described(schemas.of(family)):
            meaning = f"**{field['title']}.** {field['description']}".replace("|", "\\|")
            rows = [row for row in parts[family].splitlines() if meaning in row]
            assert any(re.match(rf"\| `([^`]*\.)?{re.escape(name)}` ", row) for row in rows), name

    def test_shows_a_golden_that_holds(self, family, parts):
        (example,) = re.findall(r"```json\n(.*?)\n```", parts[family], re.DOTALL)

        bodies.read(family, json.loads(example))

    def test_has_words_for_every_pattern(self, family, parts):
        assert set(patterns(schemas.of(family))) <= set(WORDS)


class TestBeyond:
    def test_tells_of_every_family_that_is_judged_beyond_its_schema(self):
        assert {family.value for family in contract_book.BEYOND} == set(bodies._BEYOND)
