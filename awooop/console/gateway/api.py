"""The operators' REST doors of the gateway: providers, tools, effects, kill switches."""

from typing import Any, cast
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from awooop.console.gateway import bodies, effects, inventory, reading, stops
from awooop.console.gateway.reading import Row
from awooop.errors import Code, NotFound, Refused
from awooop.kit import openapi, redaction, rest
from awooop.kit.db import EVERYONE, pipe, tenant_tx
from awooop.kit.tenancy import PLATFORM
from awooop.tenants import access
from awooop.tenants.authentication import actor_name, person_or_key
from awooop.tenants.doors import Door
from awooop.tenants.models import Operator, Role
from gateway import effects as outcomes
from gateway import registry, switches
from gateway.models import Level, Outcome, Standing

_PROJECT = OpenApiParameter("project_id", str)
_PAGES = [
    openapi.PER_PAGE,
    OpenApiParameter("cursor", str, description="from the previous page's next"),
]
_PIN = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def _asks(name: str, value: dict[str, Any]) -> OpenApiExample:
    return OpenApiExample(name, request_only=True, value=value)


class ProvidersDoor(Door):
    """``/v1/platform/gateway/providers``"""

    @extend_schema(
        operation_id="list_providers",
        parameters=[_PROJECT, *_PAGES],
        responses=bodies.ProviderPage,
    )
    def get(self, request: Request) -> Response:
        """List providers by project and name, with how their last listing went."""
        person = _person(request)
        asked = rest.read(bodies.ProvidersAsked, request.query_params.dict())
        with pipe() as p, p.operator_tx(access.scope_of(person)):
            rows, more = inventory.providers(
                p, project_id=asked.project_id, after=asked.after(), per_page=asked.per_page
            )
        return Response({"providers": redaction.redact(rows), "next": _next(request, more)})


class RefreshDoor(Door):
    """``/v1/platform/gateway/providers/{gateway_id}/refresh``"""

    @extend_schema(
        operation_id="refresh_provider",
        request=bodies.OfProject,
        responses=bodies.ProviderTold,
        examples=[_asks("A project's provider", {"project_id": "acme"})],
    )
    def post(self, request: Request, gateway_id: str) -> Response:
        """Ask a provider's server for its tools now. Takes the role admin."""
        person = _person(request)
        asked = rest.read(bodies.OfProject, request.data)
        access.refuse_below(person, asked.project_id, Role.ADMIN, missing=Code.TENANT_UNKNOWN)
        _provider(asked.project_id, gateway_id)
        registry.refresh(asked.project_id, gateway_id, actor=actor_name(person), at=timezone.now())
        return Response(_provider(asked.project_id, gateway_id))


class RegistryDoor(Door):
    """``/v1/platform/gateway/registry``"""

    @extend_schema(
        operation_id="list_registered_tools",
        parameters=[
            _PROJECT,
            OpenApiParameter("gateway_id", str),
            OpenApiParameter("standing", str, enum=Standing.values),
            *_PAGES,
        ],
        responses=bodies.ToolPage,
    )
    def get(self, request: Request) -> Response:
        """List every tool that was seen, with its standing."""
        person = _person(request)
        asked = rest.read(bodies.ToolsAsked, request.query_params.dict())
        with pipe() as p, p.operator_tx(access.scope_of(person)):
            rows, more = inventory.tools(
                p,
                project_id=asked.project_id,
                gateway_id=asked.gateway_id,
                standing=asked.standing,
                after=asked.after(),
                per_page=asked.per_page,
            )
        return Response({"tools": redaction.redact(rows), "next": _next(request, more)})


class ReleaseDoor(Door):
    """``/v1/platform/gateway/registry/{gateway_id}/{tool_name}/release``"""

    @extend_schema(
        operation_id="release_tool",
        request=bodies.Release,
        responses=bodies.ToolTold,
        examples=[
            _asks("The definition that was read", {"project_id": "acme", "pin_sha256": _PIN})
        ],
    )
    def post(self, request: Request, gateway_id: str, tool_name: str) -> Response:
        """Let agents use a tool as it was looked at. Takes the role admin."""
        person = _person(request)
        asked = rest.read(bodies.Release, request.data)
        access.refuse_below(person, asked.project_id, Role.ADMIN, missing=Code.TENANT_UNKNOWN)
        _refuse_unnameable(gateway_id, tool_name)
        with tenant_tx(asked.project_id):
            registry.release(
                asked.project_id,
                gateway_id,
                tool_name,
                pin_sha256=asked.pin_sha256,
                actor=actor_name(person),
                at=timezone.now(),
            )
        return Response(_tool(asked.project_id, gateway_id, tool_name))


class SuspendDoor(Door):
    """``/v1/platform/gateway/registry/{gateway_id}/{tool_name}/suspend``"""

    @extend_schema(
        operation_id="suspend_tool",
        request=bodies.OfProject,
        responses=bodies.ToolTold,
        examples=[_asks("A project's tool", {"project_id": "acme"})],
    )
    def post(self, request: Request, gateway_id: str, tool_name: str) -> Response:
        """Take a tool from agents until it is released again. Takes the role admin."""
        person = _person(request)
        asked = rest.read(bodies.OfProject, request.data)
        access.refuse_below(person, asked.project_id, Role.ADMIN, missing=Code.TENANT_UNKNOWN)
        _refuse_unnameable(gateway_id, tool_name)
        with tenant_tx(asked.project_id):
            registry.suspend(
                asked.project_id,
                gateway_id,
                tool_name,
                actor=actor_name(person),
                at=timezone.now(),
            )
        return Response(_tool(asked.project_id, gateway_id, tool_name))


class EffectsDoor(Door):
    """``/v1/platform/gateway/effects``"""

    @extend_schema(
        operation_id="list_effects",
        parameters=[
            _PROJECT,
            OpenApiParameter(
                "outcome", str, enum=["open", *Outcome.values], description="open: not known yet"
            ),
            *_PAGES,
        ],
        responses=bodies.EffectPage,
    )
    def get(self, request: Request) -> Response:
        """List calls that may have changed the world, newest first."""
        person = _person(request)
        asked = rest.read(bodies.EffectsAsked, request.query_params.dict())
        scope = access.narrowed(access.scope_of(person), asked.project_id)
        wanted = effects.OPEN if asked.outcome == "open" else asked.outcome
        wish = reading.Asked(
            scope=scope,
            wanted={"outcome": wanted},
            per_page=asked.per_page,
            older_than=asked.cursor,
        )
        with pipe() as p, p.operator_tx(scope):
            page = reading.page(p, effects.SOURCE, wish)
        more = (str(page.older),) if page.older else None
        return Response({"effects": redaction.redact(page.rows), "next": _next(request, more)})


class ResolveDoor(Door):
    """``/v1/platform/gateway/effects/{effect_id}/resolve``"""

    @extend_schema(
        operation_id="resolve_effect",
        request=bodies.Resolution,
        responses=bodies.EffectTold,
        examples=[
            _asks(
                "It did happen",
                {
                    "project_id": "acme",
                    "outcome": "executed",
                    "note": "The deployment's generation went from 4 to 5 at 10:12.",
                },
            )
        ],
    )
    def post(self, request: Request, effect_id: str) -> Response:
        """Say what became of an effect whose outcome is unknown. Takes the role approver."""
        person = _person(request)
        identity = rest.read_uuid(effect_id)
        asked = rest.read(bodies.Resolution, request.data)
        access.refuse_below(person, asked.project_id, Role.APPROVER, missing=Code.EFFECT_UNKNOWN)
        with tenant_tx(asked.project_id):
            outcomes.resolve(
                asked.project_id,
                identity,
                asked.outcome,
                note=asked.note,
                actor=actor_name(person),
                at=timezone.now(),
            )
        with pipe() as p, p.operator_tx({asked.project_id}):
            found = reading.one(p, effects.SOURCE, asked.project_id, identity)
        return Response(redaction.redact(found))


class SwitchesDoor(Door):
    """``/v1/platform/gateway/switches``"""

    @extend_schema(
        operation_id="list_kill_switches", parameters=[_PROJECT], responses=bodies.Switches
    )
    def get(self, request: Request) -> Response:
        """List the kill switches that are thrown, and the newest of those that were lifted."""
        person = _person(request)
        asked = rest.read(bodies.SwitchesAsked, request.query_params.dict())
        with pipe() as p, p.operator_tx(access.scope_of(person)):
            thrown, lifted = stops.standing(p, asked.project_id)
        return Response(
            {"thrown": [_switch(row) for row in thrown], "lifted": [_switch(row) for row in lifted]}
        )

    @extend_schema(
        operation_id="throw_kill_switch",
        request=bodies.Throw,
        responses={201: bodies.SwitchTold},
        examples=[
            _asks(
                "Stop one agent",
                {
                    "level": "agent",
                    "project_id": "acme",
                    "key": "sre-agent",
                    "reason": "It restarts the same pod again and again.",
                },
            ),
            _asks("Stop everything", {"level": "platform", "reason": "Incident 4711."}),
        ],
    )
    def post(self, request: Request) -> Response:
        """Throw a kill switch; when this answers, no call that it stops can start any more.

        Takes the role approver: in the project, or platform-wide for the platform.
        """
        person = _person(request)
        asked = rest.read(bodies.Throw, request.data)
        _refuse_below(person, asked.project_id, Role.APPROVER)
        made = switches.throw(
            Level(asked.level),
            project_id=asked.project_id or PLATFORM,
            key=asked.key,
            reason=asked.reason,
            actor=actor_name(person),
            at=timezone.now(),
        )
        return Response(_thrown(person, made), status=201)


class LiftDoor(Door):
    """``/v1/platform/gateway/switches/{switch_id}/lift``"""

    @extend_schema(
        operation_id="lift_kill_switch",
        request=bodies.Lift,
        responses=bodies.SwitchTold,
        examples=[_asks("A project's switch", {"project_id": "acme"})],
    )
    def post(self, request: Request, switch_id: str) -> Response:
        """Let calls start again. Takes the role admin, platform-wide for the platform."""
        person = _person(request)
        identity = rest.read_uuid(switch_id)
        asked = rest.read(bodies.Lift, request.data)
        _refuse_below(person, asked.project_id, Role.ADMIN)
        switches.lift(
            identity,
            project_id=asked.project_id or PLATFORM,
            actor=actor_name(person),
            at=timezone.now(),
        )
        return Response(_thrown(person, identity))


def _person(request: Request) -> Operator:
    """Return who asks.

    :raises Refused: a key; what an agent was not granted it does not learn of.
    """
    principal = person_or_key(request)
    if not isinstance(principal, Operator):
        raise Refused(Code.AUTH_FORBIDDEN, "this door is for people and their tokens")
    return principal


def _refuse_below(person: Operator, project_id: str | None, role: Role) -> None:
    if project_id is not None:
        access.refuse_below(person, project_id, role, missing=Code.TENANT_UNKNOWN)
    elif access.scope_of(person, role) != EVERYONE:
        raise Refused(
            Code.AUTH_FORBIDDEN, f"this needs the platform-wide role {role.value}", role=role.value
        )


def _refuse_unnameable(*names: str) -> None:
    """Let on names that a row can hold.

    :raises NotFound: there can be none of such a name.
    """
    if any("\x00" in name for name in names):
        raise NotFound(Code.TOOL_UNKNOWN)


def _provider(project_id: str, gateway_id: str) -> Row:
    _refuse_unnameable(gateway_id)
    with pipe() as p, p.operator_tx({project_id}):
        found = inventory.provider(p, project_id, gateway_id)
    if found is None:
        raise NotFound(Code.TOOL_UNKNOWN, "no such provider is registered")
    return redaction.redact({name: found[name] for name in bodies.ProviderTold.model_fields})


def _tool(project_id: str, gateway_id: str, tool_name: str) -> Row:
    with pipe() as p, p.operator_tx({project_id}):
        found = inventory.tool(p, (project_id, gateway_id, tool_name))
    if found is None:
        raise NotFound(Code.TOOL_UNKNOWN)
    return redaction.redact({name: found[name] for name in bodies.ToolTold.model_fields})


def _thrown(person: Operator, switch_id: UUID) -> Row:
    with pipe() as p, p.operator_tx(access.scope_of(person)):
        found = stops.one(p, switch_id)
    return _switch(cast(Row, found))


def _switch(row: Row) -> Row:
    is_platform = row["project_id"] == PLATFORM
    return {**redaction.redact(row), "project_id": None if is_platform else row["project_id"]}


def _next(request: Request, place: tuple[str, ...] | None) -> str | None:
    if place is None:
        return None
    query = request.query_params.copy()
    query["cursor"] = "/".join(place)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
