"""The paths of runs."""

from django.urls import path

from runs import api

urlpatterns = [
    path("v1/platform/runs", api.RunsDoor.as_view(), name="runs"),
    path("v1/platform/runs/<str:run_id>", api.RunDoor.as_view(), name="run"),
    path("v1/platform/runs/<str:run_id>/cancel", api.CancelDoor.as_view(), name="run-cancel"),
]
