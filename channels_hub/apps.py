"""The channels_hub app."""

from django.apps import AppConfig


class ChannelsHubConfig(AppConfig):
    """Channels."""

    name = "channels_hub"
