"""The JSON Schema (draft 2020-12) of each family, from the file of its name beside this module."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs

BASE = "https://awooop.platform/contracts/v1/"
_FOLDER = Path(__file__).parent


@cache
def families() -> tuple[str, ...]:
    """Return the families that have a schema."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


@cache
def of(family: str) -> dict[str, Any]:
    """Return a family's schema; it must not be changed.

    :raises KeyError: there is no such family.
    """
    if family not in families():
        raise KeyError(family)
    schema: dict[str, Any] = json.loads((_FOLDER / f"{family}.json").read_text(encoding="utf-8"))
    return schema


@cache
def validator(family: str) -> jsonschema_rs.Validator:
    """Return the judge of a family's schema; formats are judged too, and nothing is fetched.

    :raises KeyError: there is no such family.
    """
    return jsonschema_rs.Draft202012Validator(of(family), validate_formats=True, offline=True)
