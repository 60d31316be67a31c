"""One request to the Kubernetes API, and how its answer is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from gateway.providers.base import Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What is sent, once.

    :param what: the object, for people.
    :param read: makes an answer of a body; what it raises says that the body is not the API's.
    """

    path: str
    what: str
    read: Callable[[bytes], Answer]
    method: str = "GET"
    params: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    media: str = "application/json"
