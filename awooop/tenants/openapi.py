"""How the API's description names our credentials; our bodies register themselves beside them."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from awooop.kit import openapi as openapi


class BearerScheme(OpenApiAuthenticationExtension):
    """API keys and operator tokens."""

    target_class = "awooop.tenants.authentication.Bearer"
    name = "bearer"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the OpenAPI security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "`awp.<project>.<secret>` for agents, `awo.<secret>` for operators.",
        }


class SessionScheme(OpenApiAuthenticationExtension):
    """A person signed in to the console."""

    target_class = "awooop.tenants.authentication.Session"
    name = "session"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the OpenAPI security scheme."""
        return {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "Writes also need the X-CSRFToken header.",
        }
