"""Which version a body becomes: the next major when it breaks a promise, else the next minor."""

from typing import Any

from contracts import comparison
from contracts.models import ContractRevision


def following(newest: ContractRevision | None, body: dict[str, Any]) -> tuple[int, int]:
    """Return the version, major and minor, of the body that is published after ``newest``."""
    if newest is None or newest.version_major is None:
        return 1, 0
    differences = comparison.changes(newest.body, body)
    if any(change.is_breaking for change in differences):
        return newest.version_major + 1, 0
    return newest.version_major, (newest.version_minor or 0) + 1
