"""The paths of the gateway's operators."""

from django.urls import path

from awooop.console.gateway import api

_TOOL = "registry/<str:gateway_id>/<path:tool_name>"

urlpatterns = [
    path("providers", api.ProvidersDoor.as_view(), name="gateway-providers"),
    path("providers/<str:gateway_id>/refresh", api.RefreshDoor.as_view(), name="gateway-refresh"),
    path("registry", api.RegistryDoor.as_view(), name="gateway-registry"),
    path(f"{_TOOL}/release", api.ReleaseDoor.as_view(), name="gateway-release"),
    path(f"{_TOOL}/suspend", api.SuspendDoor.as_view(), name="gateway-suspend"),
    path("effects", api.EffectsDoor.as_view(), name="gateway-effects"),
    path("effects/<str:effect_id>/resolve", api.ResolveDoor.as_view(), name="gateway-resolve"),
    path("switches", api.SwitchesDoor.as_view(), name="gateway-switches"),
    path("switches/<str:switch_id>/lift", api.LiftDoor.as_view(), name="gateway-lift"),
]
