"""The built-in provider for a cluster: eight tools, each one request to the Kubernetes API."""

from gateway.providers.kubernetes.provider import Kubernetes

__all__ = ["Kubernetes"]
