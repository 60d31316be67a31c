"""The Kubernetes API of the cluster that the platform runs in, as far as secrets need it."""

import base64
import binascii
import json
import os
import ssl
import time
from functools import lru_cache
from pathlib import Path

import httpx2
from django.conf import settings

_LONGEST = 2.0  # seconds of one request
_LARGEST = 2 * 1024 * 1024  # bytes of a whole Secret; etcd keeps no larger one


def secret(namespace: str, name: str, key: str, *, largest: int, until: float) -> bytes | str:
    """Return one value of a Secret, or in words why there is none.

    :param until: of ``time.monotonic``.
    """
    host, port = (os.environ.get(f"KUBERNETES_SERVICE_{part}", "") for part in ("HOST", "PORT"))
    if not host:
        return "the platform does not run in a cluster"
    place = f"[{host}]" if ":" in host else host
    address = f"https://{place}:{port or 443}/api/v1/namespaces/{namespace}/secrets/{name}"
    told = _asked(address, min(until, time.monotonic() + _LONGEST))
    return told if isinstance(told, str) else _value(told, key, largest)


def _asked(address: str, until: float) -> bytes | str:
    left = until - time.monotonic()
    if left <= 0:
        return "the cluster did not answer in time"
    folder = Path(settings.KUBERNETES_SERVICE_ACCOUNT_DIR)
    try:
        token = (folder / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        authority = folder / "ca.crt"
        trusted = _trusted(str(authority), authority.stat().st_mtime_ns)
        with (
            httpx2.Client(verify=trusted, timeout=left, trust_env=False) as client,
            client.stream("GET", address, headers=headers) as answer,
        ):
            if answer.status_code != httpx2.codes.OK:
                return f"the cluster answers with status {answer.status_code}"
            return _body(answer, until)
    except (OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL):
        return "the cluster cannot be asked"


def _body(answer: httpx2.Response, until: float) -> bytes | str:
    read = bytearray()
    for part in answer.iter_raw():
        read += part
        if len(read) > _LARGEST:
            return "the secret is too large"
        if time.monotonic() > until:
            return "the cluster did not answer in time"
    return bytes(read)


@lru_cache(maxsize=4)
def _trusted(path: str, _written: int) -> ssl.SSLContext:
    """Return who is believed to be the cluster; read anew when the file was written anew."""
    return ssl.create_default_context(cafile=path)


def _value(told: bytes, key: str, largest: int) -> bytes | str:
    try:
        data = json.loads(told)["data"]
        value = base64.b64decode(data[key], validate=True)
    except (ValueError, KeyError, TypeError, RecursionError, binascii.Error):
        return "the secret has no such key"
    return value if len(value) <= largest else f"the value is larger than {largest // 1024} KiB"
