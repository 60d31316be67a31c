"""The built-in provider for hosts: eight tools, each a command of ours, none of it free text."""

from gateway.providers.ssh.provider import Ssh

__all__ = ["Ssh"]
