"""How the API's description names our bodies, and the problems that any door may answer with."""

from functools import lru_cache
from typing import Any

from django.utils.translation import get_language
from drf_spectacular.contrib.pydantic import PydanticExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiParameter
from pydantic import BaseModel
from pydantic.json_schema import model_json_schema

from awooop.errors import Code, NotFound
from awooop.kit import rest

PER_PAGE = OpenApiParameter(
    "per_page", {"type": "integer", "minimum": 1, "maximum": 200, "default": 50}
)

_HOME = "#/components/schemas/"
_ALWAYS = (
    Code.AUTH_MISSING,
    Code.AUTH_FORBIDDEN,
    Code.PATH_UNKNOWN,
    Code.NOT_ACCEPTABLE,
    Code.BODY_INVALID,
    Code.TOO_FAST,
    Code.UNAVAILABLE,
)
_OF_BODIES = (Code.BODY_NOT_JSON, Code.BODY_TOO_LARGE, Code.MEDIA_UNKNOWN)
_SAID = {403: "Not allowed", 404: "Nothing here, or not for you", 409: "Not in its present state"}


class Generator(SchemaGenerator):  # type: ignore[misc]
    """Draws the description once a process and language: anybody may ask for it, at any rate."""

    def get_schema(self, request: Any = None, public: bool = False) -> dict[str, Any]:
        """Return the whole description; every door has its own guard."""
        return _drawn(get_language())


@lru_cache(8)
def _drawn(_language: str | None) -> dict[str, Any]:
    return dict(SchemaGenerator().get_schema(request=None, public=True))


class Problem(BaseModel):
    """Why nothing was done, by RFC 9457; further members depend on the code."""

    type: str
    title: str
    status: int
    detail: str
    hint: str
    code: str


class Bodies(PydanticExtension):  # type: ignore[misc]
    """Pydantic's models, where two rooms may each have, say, a Standing of their own."""

    priority = 1

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """Return a model's schema; a name that another room's has taken gets its own room's."""
        schema = model_json_schema(
            self.target, ref_template=f"{_HOME}{{model}}", mode="serialization"
        )
        parts = schema.pop("$defs", {})
        room = self.target.__module__.split(".")[-2].capitalize()
        named = {
            name: f"{room}{name}"
            for name, part in parts.items()
            if _clashes(auto_schema, name, part)
        }
        for name, part in parts.items():
            given = named.get(name, name)
            component = ResolvedComponent(
                name=given,
                type=ResolvedComponent.SCHEMA,
                object=given,
                schema=_renamed(part, named),
            )
            auto_schema.registry.register_on_missing(component)
        return dict(_renamed(schema, named))


def tell_problems(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to each operation the problems it may answer with, and what one looks like."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = model_json_schema(Problem)
    example = rest.problem(NotFound(Code.RUN_UNKNOWN))
    components["responses"] = {"Problem": _response("A problem; its `code` says which", example)}
    for verbs in result["paths"].values():
        for told in verbs.values():
            if not isinstance(told, dict) or "responses" not in told:
                continue
            codes = (*_ALWAYS, *(_OF_BODIES if "requestBody" in told else ()))
            said = {code.http: code.title for code in codes} | _SAID
            for status, words in sorted(said.items()):
                told["responses"].setdefault(str(status), _response(words))
            told["responses"]["default"] = {"$ref": "#/components/responses/Problem"}
    return result


def _response(words: str, example: dict[str, Any] | None = None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"$ref": f"{_HOME}Problem"}}
    if example is not None:
        content["example"] = example
    return {"description": words, "content": {"application/problem+json": content}}


def _clashes(auto_schema: AutoSchema, name: str, part: dict[str, Any]) -> bool:
    """Tell whether this name stands for other values or other fields already."""
    taken = auto_schema.registry._components.get((name, ResolvedComponent.SCHEMA))
    return taken is not None and bool(taken.schema) and _gist(taken.schema) != _gist(part)


def _gist(part: dict[str, Any]) -> tuple[list[Any], list[str]]:
    return part.get("enum", []), sorted(part.get("properties", {}))


def _renamed(part: Any, named: dict[str, str]) -> Any:
    """Return a part of a schema that refers to others by the names they were given."""
    if isinstance(part, list):
        return [_renamed(each, named) for each in part]
    if not isinstance(part, dict):
        return part
    found = {key: _renamed(value, named) for key, value in part.items()}
    if isinstance(ref := found.get("$ref"), str) and (old := ref.removeprefix(_HOME)) in named:
        found["$ref"] = _HOME + named[old]
    return found
