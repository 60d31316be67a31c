"""The doors that other systems knock at: one per channel."""

from uuid import UUID

from drf_spectacular.utils import extend_schema
from pydantic import BaseModel
from rest_framework.request import Request
from rest_framework.response import Response

from awooop.errors import Code, Invalid, Unauthenticated
from awooop.kit import rest
from awooop.tenants.authentication import key_with
from awooop.tenants.doors import Door
from awooop.tenants.models import KeyScope
from channels_hub import alertmanager, inbound
from runs import tasks
from runs.fsm import State


class Received(BaseModel):
    """The run that an event started, or had started before."""

    run_id: UUID
    is_duplicate: bool
    state: State
    is_shadow: bool
    trace_id: str


class AlertmanagerDoor(Door):
    """``/v1/channels/{project_id}/alertmanager``"""

    @extend_schema(
        operation_id="receive_alertmanager",
        request=alertmanager.Notification,
        responses={201: Received, 200: Received},
    )
    def post(self, request: Request, project_id: str) -> Response:
        """Take a notification: 201 when it starts a run, 200 when it came before."""
        holder = key_with(request, KeyScope.CHANNELS)
        if holder.project_id != project_id:
            raise Unauthenticated(Code.AUTH_MISSING)
        if not isinstance(request.data, dict):
            raise Invalid(Code.BODY_INVALID, "send one JSON object")
        notification = rest.read(alertmanager.Notification, request.data)
        event = alertmanager.inbound(notification, request.data)
        receipt = inbound.receive(holder, event, traceparent=request.headers.get("traceparent"))
        if not receipt.is_duplicate:
            tasks.ring()
        told = {
            "run_id": receipt.run_id,
            "is_duplicate": receipt.is_duplicate,
            "state": receipt.state.value,
            "is_shadow": receipt.is_shadow,
            "trace_id": receipt.trace_id,
        }
        return Response(told, status=200 if receipt.is_duplicate else 201)
