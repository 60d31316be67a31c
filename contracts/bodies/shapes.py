"""The shapes that fields of several families have in common, and the words for them.

Each agrees with its spelling in the families' JSON Schema files on every JSON value: a text is
never taken for a number, 1.0 is the integer 1, and true is no number.
"""

from typing import Annotated, Any, Literal, TypeVar, cast

import jsonschema_rs
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from awooop.kit import canonical

T = TypeVar("T")

_ID = r"^[a-z0-9][a-z0-9_.-]{0,99}$"
_PROJECT = r"^[a-z0-9][a-z0-9_-]{1,63}$"
_NAME = r"^[a-z0-9][a-z0-9_-]{0,63}$"
_ENVIRONMENT = r"^[a-z0-9][a-z0-9_-]{0,31}$"
_TOOL = r"^[A-Za-z0-9.-]+(?:_[A-Za-z0-9.-]+)*$"
_USD = r"^(?:0|[1-9][0-9]{0,7})(?:\.[0-9]{1,6})?$"
_POINTER = r"^(?:/(?:[^/~]|~[01])*)+$"
_SHA256 = r"^[0-9a-f]{64}$"
_UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_URL = (
    r"^https?://(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
    r"(?:/[A-Za-z0-9._~!$&'()*+,;=:@%-]*)*$"
)
_REFERENCE = (
    r"^(?:k8s:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
    r"#[A-Za-z0-9._-]{1,253}|env:[A-Za-z_][A-Za-z0-9_]{0,127}"
    r"|file:(?:/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){1,16})$"
)

# What a text that misses its pattern should have been. Families add their own.
WORDS = {
    _ID: "1 to 100 of a-z 0-9 _ . - , beginning with a letter or a digit",
    _PROJECT: "2 to 64 of a-z 0-9 _ - , beginning with a letter or a digit",
    _NAME: "1 to 64 of a-z 0-9 _ - , beginning with a letter or a digit",
    _ENVIRONMENT: "1 to 32 of a-z 0-9 _ - , beginning with a letter or a digit",
    _TOOL: "letters, digits, . and - , with single underscores between them",
    _USD: "a decimal text such as 2.50: at most 8 digits before the point and 6 after it",
    _POINTER: "a JSON Pointer such as /metadata/name",
    _SHA256: "64 lower-case hex digits",
    _UUID: "a UUID in lower case",
    _URL: "an http or https address without user, password, query and fragment",
    _REFERENCE: "a reference: k8s:namespace/secret#key, env:NAME or file:/path",
}

Id = Annotated[str, StringConstraints(pattern=_ID)]
ProjectId = Annotated[str, StringConstraints(pattern=_PROJECT)]
Name = Annotated[str, StringConstraints(pattern=_NAME)]
Environment = Annotated[str, StringConstraints(pattern=_ENVIRONMENT)]
ToolName = Annotated[str, StringConstraints(pattern=_TOOL, max_length=128)]
Usd = Annotated[str, StringConstraints(pattern=_USD)]
Pointer = Annotated[str, StringConstraints(pattern=_POINTER, max_length=200)]
Sha256 = Annotated[str, StringConstraints(pattern=_SHA256)]
Uuid = Annotated[str, StringConstraints(pattern=_UUID)]
Url = Annotated[str, StringConstraints(pattern=_URL, max_length=2000)]
Reference = Annotated[str, StringConstraints(pattern=_REFERENCE, max_length=1500)]
Scope = Literal["read", "write", "admin"]


class Body(BaseModel):
    """What every part of a contract's body is: closed, exact and unchanging."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def _whole(value: Any) -> Any:
    return int(value) if type(value) is float and value.is_integer() else value


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        if len(value) > _LONGEST_SCALAR:
            raise PydanticCustomError("string_too_long", "", {"max_length": _LONGEST_SCALAR})
    elif not isinstance(value, int | float | None):
        raise PydanticCustomError("scalar", "must be a text, a number, true, false or null")
    return value


def _moment(value: str) -> str:
    if not _is_moment(value):
        raise PydanticCustomError("moment", "must be a moment such as 2026-01-31T08:15:30Z")
    return value


_LONGEST_SCALAR = 200
# The same judge as for the schema files: the edges of RFC 3339 are many.
_is_moment = jsonschema_rs.Draft202012Validator(
    {"format": "date-time"}, validate_formats=True, offline=True
).is_valid

# For integers as JSON Schema sees them: 1.0 is one. It stands after the bounds.
WHOLE = BeforeValidator(_whole)
Number = Annotated[float, Field(allow_inf_nan=False)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"}), AfterValidator(_moment)]


class _NotNull:
    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        nullable = cast(core_schema.NullableSchema, handler(kind))
        return nullable["schema"]


# A field that may be left out, and is None then, but may not be given as null.
Omitted = Annotated[T | None, _NotNull()]


class _Scalar:
    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(_scalar)

    def __get_pydantic_json_schema__(self, *_: Any) -> JsonSchemaValue:
        return {"type": ["string", "number", "boolean", "null"], "maxLength": _LONGEST_SCALAR}


Scalar = Annotated[Any, _Scalar()]


class Unique:
    """A list in which no value stands twice, as JSON compares values."""

    def __get_pydantic_core_schema__(self, kind: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self._judge, handler(kind))

    def __get_pydantic_json_schema__(
        self, kind: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(kind), "uniqueItems": True}

    @staticmethod
    def _judge(values: list[T]) -> list[T]:
        if len({canonical.canonical(value) for value in values}) < len(values):
            raise PydanticCustomError("twice", "must not name anything twice")
        return values


class Closed:
    """A mapping whose keys all fit their pattern."""

    def __get_pydantic_json_schema__(
        self, kind: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {**handler(kind), "additionalProperties": False}


class ArgumentRule(Body):
    """What must hold for one argument of a call, or for one value of a result."""

    path: Pointer
    required: bool = False
    one_of: Annotated[list[Scalar], Field(min_length=1, max_length=100), Unique()] | None = None
    pattern: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    minimum: Number | None = None
    maximum: Number | None = None
