"""Who acts when a command is run from a shell."""

import getpass
import os


def actor() -> str:
    """Return how journals name the person at the shell."""
    try:
        return f"shell:{getpass.getuser()}"
    except (KeyError, OSError):  # a container may know no name for its user
        return f"shell:uid {os.getuid()}"
