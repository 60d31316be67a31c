"""The gateway's app."""

from django.apps import AppConfig


class GatewayConfig(AppConfig):
    """The only way to touch a tool."""

    name = "gateway"
