"""The laws of the house, held by introspection."""

import ast
import subprocess
from pathlib import Path

import pytest

from awooop.errors import Code

ROOT = Path(__file__).resolve().parents[2]
LONGEST, LONGEST_TEST = 400, 500
BAGS = {"utils", "helpers", "services", "common", "managers", "misc"}


def tracked(pattern):
    found = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern],
        cwd=ROOT, capture_output=True, text=True, check=False,
    ).stdout.split("\n")  # fmt: skip
    names = [name for name in found if name] or [
        str(path.relative_to(ROOT)) for path in ROOT.rglob(pattern) if ".venv" not in path.parts
    ]
    return [ROOT / name for name in names if (ROOT / name).exists()]


SOURCES = [path for path in tracked("*.py") if "migrations" not in path.parts]


class TestModules:
    def test_are_short(self):
        long = {
            str(path.relative_to(ROOT)): count
            for path in SOURCES
            if (count := len(path.read_text().splitlines()))
            > (LONGEST_TEST if "tests" in path.parts else LONGEST)
        }
        assert not long

    def test_have_a_caption(self):
        bare = [
            str(path.relative_to(ROOT))
            for path in SOURCES
            if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
        ]
        assert not bare

    def test_are_named_for_a_noun_not_a_bag(self):
        assert not [path for path in SOURCES if path.stem in BAGS or path.stem.endswith("_service")]

    def test_open_transactions_in_one_place_only(self):
        allowed = {ROOT / "awooop/kit/db.py"}
        bare = [
            str(path.relative_to(ROOT))
            for path in SOURCES
            if path not in allowed
            and "tests" not in path.parts
            and "transaction.atomic" in path.read_text()
        ]
        assert not bare

    def test_leave_nothing_for_later(self):
        marks = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
        assert not [
            str(path.relative_to(ROOT))
            for path in SOURCES
            if any(mark in path.read_text() for mark in marks)
        ]


class TestCodes:
    def test_are_unique_and_say_what_to_do(self):
        assert len({code.value for code in Code}) == len(Code.__members__)
        assert all(code.title and code.hint.endswith(".") for code in Code)
        assert all(400 <= code.http < 600 for code in Code)

    @pytest.mark.parametrize("code", list(Code))
    def test_are_used_somewhere(self, code):
        name = f"Code.{code.name}"
        assert any(name in path.read_text() for path in SOURCES if path.name != "codes.py"), (
            f"{name} is never answered"
        )
