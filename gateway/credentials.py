"""What contracts refer to instead of holding it: resolved for one call, kept nowhere.

A reference is honoured only where a setting gives its place to the project that asks. Otherwise one
tenant could name another's credential, or the platform's own keys, and have them sent to a server
of its choice. Whatever goes wrong, no exception and no frame of its traceback holds a value.
"""

import hmac
import os
import re
import stat
import time
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from awooop.errors import Code
from awooop.kit import derive, waiting
from gateway import clusters
from gateway.providers.base import Failed, Secret

LARGEST = 64 * 1024
_WITHIN = 4.0  # seconds for all references of one target together

_PLACEHOLDER = "{project}"
_ENV = re.compile(r"env:([A-Za-z_][A-Za-z0-9_]{0,127})")
_FILE = re.compile(r"file:(/[A-Za-z0-9._/-]{1,1400})")
_K8S = re.compile(
    r"k8s:([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)/([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)"
    r"#([A-Za-z0-9._-]{1,253})"
)
# Upper-cased and followed by two underscores, only these stand for one project and no other.
_CLEAR_ID = re.compile(r"[a-z0-9]+(?:_[a-z0-9]+)*")
# The platform's own, which no setting can give away.
_OWN = frozenset(
    {"SECRET_KEY", "REDACTION_KEY", "CONTRACT_KEYS", "AUDIT_SIGNING_KEY", "DATABASE_URL"}
    | {"DATABASE_OWNER_URL", "REDIS_URL", "CELERY_BROKER_URL"}
)


def resolve(ref: str, *, project_id: str, until: float | None = None) -> Secret:
    """Return what a reference stands for now; nothing is remembered.

    :param until: of ``time.monotonic``, when asking a cluster must end.
    :raises Failed: CREDENTIAL_AWAY: the reference may not be used, leads nowhere, or holds no text.
    """
    found = _found(ref, project_id, time.monotonic() + _WITHIN if until is None else until)
    if isinstance(found, Secret):
        return found
    raise Failed(Code.CREDENTIAL_AWAY, found, sent=False)


def for_target(
    body: Mapping[str, Any], *, project_id: str
) -> tuple[Secret | None, dict[str, Secret]]:
    """Return what a gateway contract's credential and its server's environment refer to.

    :param body: of the gateway contract.
    :raises Failed: CREDENTIAL_AWAY: one of them cannot be resolved; nothing was sent.
    """
    until = time.monotonic() + _WITHIN
    ref = body.get("credential_ref")
    credential = resolve(ref, project_id=project_id, until=until) if ref else None
    transport = body.get("transport") or {}
    variables = transport.get("environment", {}) if transport.get("kind") == "stdio" else {}
    return credential, {
        name: resolve(each, project_id=project_id, until=until) for name, each in variables.items()
    }


def _found(ref: str, project_id: str, until: float) -> Secret | str:
    """Return the secret, or why there is none, in words that name no value and no place."""
    if match := _ENV.fullmatch(ref):
        return _of_environment(match[1], project_id)
    if match := _FILE.fullmatch(ref):
        return _of_file(Path(match[1]), project_id)
    if match := _K8S.fullmatch(ref):
        return _of_cluster(match[1], match[2], match[3], project_id, until)
    return "the reference has none of the forms env:, file: and k8s:"


def _secret(value: str) -> Secret | str:
    value = value.removesuffix("\n").removesuffix("\r")
    spelled = value.encode(errors="surrogatepass")
    if not value:
        return "what the reference leads to is empty"
    if "\0" in value or spelled.decode(errors="replace") != value:
        return "what the reference leads to is no text"
    if len(spelled) > LARGEST:
        return f"what the reference leads to is larger than {LARGEST // 1024} KiB"
    mark = hmac.digest(_key(settings.REDACTION_KEY), spelled, "sha256")
    return Secret(value, version=mark[:16].hex())


@lru_cache(maxsize=4)
def _key(secret: str) -> bytes:
    return derive.key(secret, "credential versions")


def _allowed(entries: Iterable[str], project_id: str, name: str | None) -> Iterable[str]:
    """Yield what a setting gives to a project: ``PATTERN``, or ``PROJECT=PATTERN`` for it alone.

    :param name: of the project, for ``{project}`` in a pattern; None when it would be ambiguous.
    """
    for entry in entries:
        owner, mark, pattern = entry.rpartition("=")
        if mark and owner != project_id:
            continue
        if _PLACEHOLDER in pattern:
            if name is None:
                continue
            pattern = pattern.replace(_PLACEHOLDER, name)
        if pattern:
            yield pattern


def _of_environment(name: str, project_id: str) -> Secret | str:
    upper = project_id.upper() if _CLEAR_ID.fullmatch(project_id) else None
    patterns = list(_allowed(settings.CREDENTIAL_ENV, project_id, upper))
    if name.removesuffix("_FILE") in _OWN or not any(_fits(name, each) for each in patterns):
        return "the setting CREDENTIAL_ENV does not give this project the variable"
    value = os.environ.get(name)
    return "the environment variable is not set" if value is None else _secret(value)


def _fits(name: str, pattern: str) -> bool:
    prefix = pattern.removesuffix("*")
    return name == pattern if prefix == pattern else bool(prefix) and name.startswith(prefix)


def _of_file(path: Path, project_id: str) -> Secret | str:
    waiting.ahead()
    real = Path(os.path.realpath(path))
    folders = _allowed(settings.CREDENTIAL_DIRS, project_id, project_id)
    if not any(Path(os.path.realpath(each)) in real.parents for each in folders):
        return "the setting CREDENTIAL_DIRS does not give this project the file"
    if real.is_relative_to(os.path.realpath(settings.KUBERNETES_SERVICE_ACCOUNT_DIR)):
        return "the file is the platform's own"
    return _opened(real)


def _opened(path: Path) -> Secret | str:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return "the file cannot be opened"
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            return "the file is none of the regular kind"
        if facts.st_mode & stat.S_IWOTH:
            return "everybody may write to the file"
        if _is_own(facts):
            return "the file is the platform's own"
        if facts.st_size > LARGEST:
            return f"the file is larger than {LARGEST // 1024} KiB"
        return _decoded(_bytes(handle))
    except OSError:
        return "the file cannot be read"
    finally:
        os.close(handle)


def _bytes(handle: int) -> bytes:
    read = b""
    while len(read) <= LARGEST and (more := os.read(handle, LARGEST + 1 - len(read))):
        read += more
    return read


def _decoded(value: bytes) -> Secret | str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return "what the reference leads to is no text"
    return _secret(text)


def _is_own(facts: os.stat_result) -> bool:
    """Tell whether a file is one that the platform reads a setting from."""
    for name in _OWN:
        if path := os.environ.get(f"{name}_FILE"):
            try:
                own = os.stat(path)
            except OSError:
                continue
            if os.path.samestat(own, facts):
                return True
    return False


def _of_cluster(namespace: str, name: str, key: str, project_id: str, until: float) -> Secret | str:
    if namespace not in _allowed(settings.CREDENTIAL_NAMESPACES, project_id, project_id):
        return "the setting CREDENTIAL_NAMESPACES does not give this project the namespace"
    waiting.ahead()
    value = clusters.secret(namespace, name, key, largest=LARGEST, until=until)
    return value if isinstance(value, str) else _decoded(value)
