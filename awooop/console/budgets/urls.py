"""The paths of budgets."""

from django.urls import path

from awooop.console.budgets import api

urlpatterns = [
    path("budgets", api.BudgetsDoor.as_view(), name="budgets"),
    path("budgets/<str:project_id>", api.BudgetDoor.as_view(), name="budget"),
    path("budgets/<str:project_id>/limits", api.LimitsDoor.as_view(), name="budget-limits"),
    path("budgets/<str:project_id>/entries", api.EntriesDoor.as_view(), name="budget-entries"),
]
