"""The addresses of contracts."""

from django.urls import path

from contracts import api

urlpatterns = [
    path("v1/platform/contracts", api.ContractsDoor.as_view()),
    path("v1/platform/contracts/schemas/<str:family>", api.SchemaDoor.as_view()),
    path("v1/platform/contracts/<str:revision_id>", api.ContractDoor.as_view()),
    path("v1/platform/contracts/<str:revision_id>/publish", api.PublishDoor.as_view()),
    path("v1/platform/contracts/<str:revision_id>/sign", api.SignDoor.as_view()),
    path("v1/platform/contracts/<str:revision_id>/activate", api.ActivateDoor.as_view()),
    path("v1/platform/contracts/<str:revision_id>/retire", api.RetireDoor.as_view()),
    path("v1/platform/contracts/<str:revision_id>/diff", api.DiffDoor.as_view()),
]
