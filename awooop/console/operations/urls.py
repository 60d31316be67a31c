"""The paths of what operations leave behind."""

from django.urls import path

from awooop.console.operations import api

urlpatterns = [
    path("incidents", api.IncidentsDoor.as_view(), name="incidents"),
    path("operations", api.OperationsDoor.as_view(), name="operations"),
    path("playbooks", api.PlaybooksDoor.as_view(), name="playbooks"),
    path("knowledge", api.KnowledgeDoor.as_view(), name="knowledge"),
]
