"""A Kubernetes API server in small, over real HTTP: it keeps objects, and what it was asked."""

import ipaddress
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MEDIA = {"application/merge-patch+json", "application/strategic-merge-patch+json"}


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    body: Any = None


@dataclass
class Cluster:
    """What the server holds; a test changes it at will.

    :param objects: by the path the API keeps them at.
    :param connections: how many were opened.
    :param ca: the authority of its certificate, when it speaks TLS.
    :param answers: by path: a status and a body to answer instead; or one of ``slow``, ``drip``,
        ``cut``, ``die``, ``endless``, ``packed``, ``garbage``.
    """

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    token: str = ""
    port: int = 0
    ca: str = ""

    @property
    def url(self) -> str:
        return f"http{'s' * bool(self.ca)}://127.0.0.1:{self.port}"

    def add(self, path: str, kind: str, **parts: Any) -> dict[str, Any]:
        name = path.rsplit("/", 1)[-1]
        metadata = {"name": name, "namespace": path.split("/namespaces/")[1].split("/")[0]}
        metadata |= {"generation": 1, "resourceVersion": "1"} | parts.pop("metadata", {})
        self.objects[path] = {"kind": kind, "metadata": metadata, **parts}
        return self.objects[path]

    def fill(self, namespace: str = "shop") -> None:
        """Add a deployment, its pod with a log, and an event."""
        core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
        self.add(
            f"{apps}/deployments/web",
            "Deployment",
            spec={
                "replicas": 2,
                "selector": {"matchLabels": {"app": "web"}},
                "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": []}},
            },
            status={
                "observedGeneration": 1,
                "replicas": 2,
                "updatedReplicas": 2,
                "readyReplicas": 2,
                "availableReplicas": 2,
            },
        )
        state = {"name": "web", "ready": False, "restartCount": 3, "image": "web", "imageID": "i"}
        state["state"] = {"waiting": {"reason": "CrashLoopBackOff"}}
        self.add(
            f"{core}/pods/web-1",
            "Pod",
            metadata={"labels": {"app": "web"}, "managedFields": [{"manager": "kubelet"}]},
            spec={"nodeName": "node-1", "containers": [{"name": "web"}]},
            status={"phase": "Running", "containerStatuses": [state]},
        )
        self.logs[f"{core}/pods/web-1/log"] = b"".join(b"line %d\n" % n for n in range(1, 1001))
        for number in (1, 2):
            self.add(
                f"{core}/events/web-1.{number}",
                "Event",
                involvedObject={"kind": "Pod", "name": "web-1", "namespace": namespace},
                type="Warning",
                reason="BackOff",
                message=f"restarting, {number}",
                count=number,
                lastTimestamp=f"2026-01-01T00:00:0{number}Z",
            )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    cluster: Cluster

    def setup(self) -> None:
        super().setup()
        self.cluster.connections += 1

    def do_GET(self) -> None:
        asked = self._asked()
        if self._is_stopped(asked):
            return
        cluster = self.cluster
        if asked.path in cluster.logs:
            self._log(cluster.logs[asked.path], asked.params)
        elif asked.path in cluster.objects:
            self._answer(200, cluster.objects[asked.path])
        elif asked.path.count("/") == (5 if asked.path.startswith("/api/") else 6):
            self._list(asked)
        else:
            self._refuse(404, "no such thing")

    def do_PATCH(self) -> None:
        asked = self._asked()
        if self._is_stopped(asked):
            return
        path = asked.path.removesuffix("/scale")
        if asked.headers.get("content-type") not in MEDIA:
            self._refuse(415, "unknown media type")
        elif path not in self.cluster.objects:
            self._refuse(404, f"{path} not found")
        else:
            found = self.cluster.objects[path]
            _merge(found, asked.body)
            found["metadata"]["generation"] += 1
            self._answer(200, found)

    def _asked(self) -> Asked:
        parts = urlsplit(self.path)
        size = int(self.headers.get("Content-Length", 0))
        body = json.loads(self.rfile.read(size)) if size else None
        headers = {name.lower(): each for name, each in self.headers.items()}
        asked = Asked(self.command, parts.path, dict(parse_qsl(parts.query)), headers, body)
        self.cluster.asked.append(asked)
        return asked

    def _is_stopped(self, asked: Asked) -> bool:
        token, instead = self.cluster.token, self.cluster.answers.get(asked.path)
        if token and asked.headers.get("authorization") != f"Bearer {token}":
            self._refuse(401, "Unauthorized")
        elif instead is None:
            return False
        elif isinstance(instead, str):
            getattr(self, f"_{instead}")()
        else:
            status, body = instead
            if 300 <= status < 400:
                self._answer(status, {}, Location=body)
            elif isinstance(body, bytes):
                self._send(status, body)
            else:
                self._refuse(status, body)
        return True

    def _list(self, asked: Asked) -> None:
        under = [each for path, each in sorted(self.cluster.objects.items())
                 if path.rsplit("/", 1)[0] == asked.path]  # fmt: skip
        start = int(asked.params.get("continue", "p0")[1:])
        limit = int(asked.params.get("limit", 500))
        metadata: dict[str, Any] = {"resourceVersion": "1"}
        if len(under) > start + limit:
            metadata["continue"] = f"p{start + limit}"
        page = under[start : start + limit]
        self._answer(200, {"kind": "List", "metadata": metadata, "items": page})

    def _log(self, text: bytes, params: dict[str, str]) -> None:
        tail = text.splitlines(keepends=True)[-int(params.get("tailLines", 10**9)) :]
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in [*tail, b""]:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))

    def _slow(self) -> None:
        time.sleep(1.5)
        self.close_connection = True

    def _drip(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"{")
        self._slow()

    def _cut(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        self.wfile.write(b"{")
        self.close_connection = True

    def _die(self) -> None:
        self.connection.shutdown(2)
        self.close_connection = True

    def _endless(self) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        try:
            for _ in range(800):
                self.wfile.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
        except OSError:
            self.close_connection = True

    def _packed(self) -> None:
        self._answer(200, {}, **{"Content-Encoding": "gzip"})

    def _garbage(self) -> None:
        self.wfile.write(b"SSH-2.0-surprise\r\n\r\n")
        self.close_connection = True

    def _refuse(self, status: int, message: str) -> None:
        self._answer(status, {"kind": "Status", "code": status, "message": message})

    def _answer(self, status: int, body: Any, **headers: str) -> None:
        self._send(status, json.dumps(body).encode(), **headers)

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, each in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, each)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


def _merge(into: dict[str, Any], patch: dict[str, Any]) -> None:
    for name, each in patch.items():
        if each is None:
            into.pop(name, None)
        elif isinstance(each, dict) and isinstance(into.get(name), dict):
            _merge(into[name], each)
        else:
            into[name] = each


def _certified(path: Path) -> str:
    """Write a certificate for 127.0.0.1 and its key, and return the certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(secret + certificate.public_bytes(pem))
    return certificate.public_bytes(pem).decode()


@contextmanager
def serving(certificate: Path | None = None) -> Iterator[Cluster]:
    """Serve a cluster on a port of its own.

    :param certificate: where to write one; without it the server speaks no TLS.
    """
    cluster = Cluster()
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    cluster.port = server.server_address[1]
    if certificate:
        cluster.ca = _certified(certificate)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield cluster
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
