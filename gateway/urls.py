"""The paths of the gateway."""

from django.urls import path

from gateway import api
from gateway.serving import views

urlpatterns = [
    path("mcp/<str:project_id>", views.serve, name="mcp-bare"),
    path("mcp/<str:project_id>/", views.serve, name="mcp"),
    path("v1/platform/gateway/call", api.CallDoor.as_view(), name="gateway-call"),
    path("v1/platform/gateway/calls", api.CallsDoor.as_view(), name="gateway-calls"),
    path(
        "v1/platform/gateway/approvals/<str:approval_id>",
        api.ApprovalDoor.as_view(),
        name="gateway-approval",
    ),
    path("v1/platform/gateway/tools", api.ToolsDoor.as_view(), name="gateway-tools"),
]
