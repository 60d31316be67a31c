"""The paths of approvals."""

from django.urls import path

from approvals import api

_HOME = "v1/platform/approvals"
urlpatterns = [
    path(_HOME, api.ApprovalsDoor.as_view(), name="approvals"),
    path(f"{_HOME}/agreement", api.AgreementDoor.as_view(), name="approval-agreement"),
    path(f"{_HOME}/<str:identity>", api.ApprovalDoor.as_view(), name="approval"),
    path(f"{_HOME}/<str:run_id>/decide", api.DecideDoor.as_view(), name="approval-decide"),
    path(f"{_HOME}/<str:identity>/edit", api.EditDoor.as_view(), name="approval-edit"),
]
