"""The page of contracts: every field of every family, from the schema files, with an example."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from awooop.console import markdown
from contracts import bodies, schemas
from contracts.bodies.shapes import WORDS
from contracts.models import Family

_GOLDEN = Path(bodies.__file__).parents[1] / "golden"
_BOUNDS = {
    "minLength": "{} or more characters",
    "maxLength": "{} or fewer characters",
    "minimum": "{} or more",
    "maximum": "{} or less",
    "minItems": "{} or more items",
    "maxItems": "{} or fewer items",
    "maxProperties": "{} or fewer keys",
    "format": "{} (RFC 3339)",
}
_HEAD = ("field", "type", "bounds", "default", "meaning")
_LONGEST_DEFAULT = 80

# What `contracts.bodies.read` judges besides, because no schema can say it.
BEYOND = {
    Family.AGENT: "No tool of a gateway is granted twice. What the agent may use must be declared"
    " by the gateway contract it names, and `output_schema` must be harmless: both are judged"
    " together with the project's other contracts.",
    Family.MCP_GATEWAY: "No tool is declared twice, and no host named twice. Private addresses are"
    " real networks, without bits beyond their mask. A probe is a tool of the same contract with"
    " scope `read` that is not destructive. Patterns of argument rules match in linear time.",
    Family.POLICY: "No rule and no alert target has another's name. Redaction patterns cannot be"
    " slow and match at least four characters. Patterns of argument rules match in linear time.",
    Family.PROJECT: "The time zone exists. No environment has another's name, and there is one"
    " channel of a kind.",
    Family.CHANNEL_EVENT: "The subject is the project, the channel and the sender, joined by"
    " colons.",
}


def page() -> str:
    """Return the page."""
    lines = [
        "# Contracts",
        "",
        markdown.MADE,
        "",
        "A contract says what was promised. There are six families; each has a JSON Schema (draft"
        " 2020-12), and these tables are made from it. A field that is not in a table is refused."
        " Fields are required where the default says so; a left-out field has its default. A"
        " path such as `tools[].scopes` is the field `scopes` of each item of `tools`.",
        "",
        "Every body is JSON that is read alike everywhere: no integer beyond 2 to the power of 53,"
        " no NUL in a text, at most 32 levels deep and at most 256 KiB. 1.0 is the integer 1;"
        ' "1" is not. `contracts.bodies.read` tells every fault at once, each with its JSON'
        " Pointer, as `E-CONTRACT-002`.",
    ]
    for family in Family:
        lines += _family(family)
    return markdown.page(lines)


def _family(family: Family) -> Iterator[str]:
    schema = schemas.of(family.value)
    yield from ("", f"## {family.value}", "", schema["description"], "", f"`{schema['$id']}`", "")
    yield from markdown.table(_HEAD, list(_rows(schema, "")))
    for name, part in schema.get("$defs", {}).items():
        yield from ("", f"### {family.value}: {name}", "", part["description"], "")
        yield from markdown.table(_HEAD, list(_rows(part, "")))
    if family in BEYOND:
        yield from ("", f"Beyond the schema: {BEYOND[family]}")
    first = min((_GOLDEN / family.value / "valid").glob("*.json"))
    yield from ("", "```json", first.read_text(encoding="utf-8").rstrip(), "```")


def _rows(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each field of an object, and for each field of the objects in it."""
    for name, field in schema.get("properties", {}).items():
        default = "required" if name in schema.get("required", ()) else _default(field)
        meaning = f"**{field['title']}.** {field['description']}"
        yield f"`{prefix}{name}`", _kind(field), _bounds(field), default, meaning
        yield from _rows(field, f"{prefix}{name}.")
        yield from _rows(field.get("items", {}), f"{prefix}{name}[].")


def _default(field: Mapping[str, Any]) -> str:
    if "default" not in field:
        return "none"
    text = json.dumps(field["default"], ensure_ascii=False)
    return "everything" if len(text) > _LONGEST_DEFAULT else f"`{text}`"


def _kind(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        return f"*{field['$ref'].rpartition('/')[2]}*"
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join("null" if each is None else f"`{each}`" for each in field["enum"])
    if "oneOf" in field:
        return " or ".join(_kind(each) for each in field["oneOf"])
    kinds = field["type"] if isinstance(field["type"], list) else [field["type"]]
    named = " or ".join(each if each != "array" else _list(field) for each in kinds)
    return f"{named} by name" if "patternProperties" in field else named


def _list(field: Mapping[str, Any]) -> str:
    return f"list of {_kind(field['items'])}"


def _bounds(field: Mapping[str, Any]) -> str:
    said = list(_said(field))
    if field.get("uniqueItems"):
        said.append("none twice")
    if inner := list(_said(field.get("items", {}))):
        said.append(f"each {', '.join(inner)}")
    for pattern, each in field.get("patternProperties", {}).items():
        said.append(f"names: {WORDS[pattern]}; each {', '.join(_said(each))}")
    return "; ".join(said)


def _said(field: Mapping[str, Any]) -> Iterator[str]:
    for keyword, words in _BOUNDS.items():
        if keyword in field:
            yield words.format(field[keyword])
    if "pattern" in field:
        yield WORDS[field["pattern"]]
