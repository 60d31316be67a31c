"""Every path, wired."""

from csp.constants import UNSAFE_INLINE
from csp.decorators import csp_update
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.defaults import bad_request, page_not_found, server_error
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from awooop.console import errors_page, health
from awooop.console.api import RunDetailDoor
from awooop.console.site import site
from awooop.errors import Code, Invalid, NotFound
from awooop.kit import rest

_styled = csp_update({"style-src": [UNSAFE_INLINE]})  # Swagger UI styles itself

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("metrics", health.metrics),
    path("", include("runs.urls")),
    path("", include("contracts.urls")),
    path("", include("approvals.urls")),
    path("v1/platform/runs/<str:run_id>/detail", RunDetailDoor.as_view(), name="run-detail"),
    path("v1/platform/", include("awooop.console.budgets.urls")),
    path("v1/platform/", include("awooop.console.operations.urls")),
    path("v1/platform/gateway/", include("awooop.console.gateway.urls")),
    path("", include("gateway.urls")),
    path("", include("channels_hub.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", _styled(SpectacularSwaggerSplitView.as_view()), name="docs"),
    path("errors/<str:code>", errors_page.show, name="error"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("admin/", site.urls),
]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request of which Django believes nothing, in the asker's form."""
    if rest.wants_problem(request):
        return rest.problem_response(rest.planned(exception))
    return bad_request(request, exception)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer the API in problem+json, people with a page."""
    if rest.wants_problem(request):
        return rest.problem_response(NotFound(Code.PATH_UNKNOWN))
    return page_not_found(request, exception)


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer without a stack trace, in the asker's form."""
    if rest.wants_problem(request):
        return rest.problem_response(Invalid(Code.INTERNAL))
    return server_error(request)
