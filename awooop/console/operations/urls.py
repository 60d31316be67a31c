"""The paths of what operations leave behind."""

from django.urls import path

from awooop.console.operations import api

urlpatterns = [
    path("incidents", api.IncidentsDoor.as_view(), name="incidents"),
    path("incidents/<str:incident_id>/resolve", api.ResolveDoor.as_view(), name="incident-resolve"),
    path("operations", api.OperationsDoor.as_view(), name="operations"),
    path("playbooks", api.PlaybooksDoor.as_view(), name="playbooks"),
    path("playbooks/<str:playbook_id>/approve", api.ApproveDoor.as_view(), name="playbook-approve"),
    path("playbooks/<str:playbook_id>/retire", api.RetireDoor.as_view(), name="playbook-retire"),
    path("knowledge", api.KnowledgeDoor.as_view(), name="knowledge"),
]
