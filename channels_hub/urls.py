"""The paths of channels."""

from django.urls import path

from channels_hub import api

urlpatterns = [
    path("v1/channels/<str:project_id>/alertmanager", api.AlertmanagerDoor.as_view()),
]
