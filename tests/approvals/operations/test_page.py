"""The page of operations names the test of each behaviour; each is there."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text()))
    home = Path(__file__).resolve().parent
    sources = [*home.glob("test_*.py"), *home.parent.glob("test_*.py")]
    found = set(re.findall(r"def (test_\w+)", "\n".join(path.read_text() for path in sources)))
    assert len(named) > 30
    assert named - found == set()
