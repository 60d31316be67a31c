"""Values that fit a schema, from the keywords that contracts' schemas are made of."""

import json

from hypothesis import strategies as st

KNOWN = {
    *("type", "const", "enum", "oneOf", "anyOf", "$ref", "$defs", "pattern", "format"),
    *("minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "uniqueItems"),
    *("items", "properties", "required", "additionalProperties", "patternProperties"),
    *("propertyNames", "maxProperties"),
    *("$schema", "$id", "title", "description", "default", "examples", "discriminator"),
}
ANY = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=4,
)
MOMENTS = st.builds(
    lambda at, fraction, zone: f"{at:%Y}".zfill(4) + f"{at:-%m-%dT%H:%M:%S}{fraction}{zone}",
    st.datetimes(),
    st.sampled_from(["", ".5", ".123456", ".1234567891"]),
    st.sampled_from(["Z", "z", "+08:00", "-23:59", "+00:00"]),
)


def fitting(schema, root=None):
    """Return a strategy of values that fit a schema, with every bound in reach."""
    root = schema if root is None else root
    assert not (unknown := set(schema) - KNOWN), unknown
    if "$ref" in schema:
        return fitting(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    for several in ("oneOf", "anyOf"):
        if several in schema:
            return st.one_of(*(fitting(each, root) for each in schema[several]))
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of(*(_MADE[kind](schema, root) for kind in kinds)) if kinds else ANY


def _texts(schema, _):
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if schema.get("format") == "date-time":
        return MOMENTS
    if "pattern" not in schema:
        texts = st.text(min_size=least, max_size=min(most or 20, 20))
        return texts | st.just("茶" * most) if most else texts
    texts = st.from_regex(schema["pattern"].removesuffix("$") + r"\Z", fullmatch=False)
    return texts.filter(lambda text: least <= len(text) <= (most or 10**9))


def _integers(schema, _):
    least, most = schema.get("minimum", -9), schema.get("maximum", 2**53 - 1)
    whole = st.integers(least, most) | st.sampled_from([least, most])
    return whole | whole.map(float)


def _numbers(schema, _):
    least, most = schema.get("minimum", -1e308), schema.get("maximum", 1e308)
    return st.floats(least, most) | st.sampled_from([least, most]) | st.integers(0, 2)


def _lists(schema, root):
    least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
    return st.lists(
        fitting(schema.get("items", {}), root),
        min_size=least,
        max_size=max(least, min(most, 3)),
        unique_by=_spelled if schema.get("uniqueItems") else None,
    )


def _spelled(value):
    whole = isinstance(value, float) and value.is_integer()
    return json.dumps(int(value) if whole else value, sort_keys=True)


def _objects(schema, root):
    fields = {name: fitting(each, root) for name, each in schema.get("properties", {}).items()}
    needed = {name: fields.pop(name) for name in schema.get("required", ())}
    if "patternProperties" in schema:
        ((pattern, each),) = schema["patternProperties"].items()
        names = _texts({"pattern": pattern}, root)
        return st.dictionaries(names, fitting(each, root), max_size=2)
    if not fields and not needed:
        return st.dictionaries(st.text(max_size=3), ANY, max_size=2)
    return st.fixed_dictionaries(needed, optional=fields)


_MADE = {
    "string": _texts,
    "integer": _integers,
    "number": _numbers,
    "boolean": lambda *_: st.booleans(),
    "null": lambda *_: st.none(),
    "array": _lists,
    "object": _objects,
}
