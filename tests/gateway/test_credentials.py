"""References lead to what a setting gives their project, and to nothing else."""

import base64
import copy
import datetime
import http.server
import ipaddress
import json
import os
import pickle
import secrets
import ssl
import threading
import time
import traceback

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from awooop.errors import Code
from gateway import credentials
from gateway.providers.base import Failed, Secret


@pytest.fixture
def word():
    return secrets.token_urlsafe(24)


@pytest.fixture
def folder(settings, tmp_path):
    place = tmp_path / "shop"
    place.mkdir()
    settings.CREDENTIAL_DIRS = [f"{tmp_path}/{{project}}"]
    return place


def refused(ref, project_id="shop"):
    with pytest.raises(Failed) as raised:
        credentials.resolve(ref, project_id=project_id)
    assert raised.value.code is Code.CREDENTIAL_AWAY
    assert not raised.value.sent
    return raised.value.detail


def value(ref, project_id="shop"):
    return credentials.resolve(ref, project_id=project_id).reveal()


class TestEnvironment:
    def test_gives_a_project_its_own(self, monkeypatch, word):
        monkeypatch.setenv("AWOOOP_CREDENTIAL_SHOP__TOKEN", word)
        assert value("env:AWOOOP_CREDENTIAL_SHOP__TOKEN") == word

    @pytest.mark.parametrize("project_id", ["sho", "shop_", "shop-x", "shop__token", "shop_x"])
    def test_gives_it_to_no_project_of_a_similar_name(self, monkeypatch, word, project_id):
        monkeypatch.setenv("AWOOOP_CREDENTIAL_SHOP__TOKEN__X", word)
        told = refused("env:AWOOOP_CREDENTIAL_SHOP__TOKEN__X", project_id)
        assert "CREDENTIAL_ENV" in told

    def test_honours_what_a_setting_gives_one_project_or_all(self, monkeypatch, settings, word):
        monkeypatch.setenv("GRAFANA", word)
        settings.CREDENTIAL_ENV = ["shop=GRAFANA"]
        assert value("env:GRAFANA") == word
        assert refused("env:GRAFANA", "other")
        settings.CREDENTIAL_ENV = ["GRAF*"]
        assert value("env:GRAFANA", "other") == word

    @pytest.mark.parametrize("name", ["SECRET_KEY", "DATABASE_URL", "CONTRACT_KEYS", "REDIS_URL"])
    def test_never_gives_the_platforms_own(self, monkeypatch, settings, name, word):
        monkeypatch.setenv(name, word)
        settings.CREDENTIAL_ENV = [name, "*", "S*", "D*", "R*", "C*"]
        assert "CREDENTIAL_ENV" in refused(f"env:{name}")

    def test_tells_what_is_not_set_or_empty(self, monkeypatch):
        assert "not set" in refused("env:AWOOOP_CREDENTIAL_SHOP__AWAY")
        monkeypatch.setenv("AWOOOP_CREDENTIAL_SHOP__EMPTY", "\n")
        assert "empty" in refused("env:AWOOOP_CREDENTIAL_SHOP__EMPTY")


class TestFile:
    def test_is_read_anew_each_time_without_its_last_newline(self, folder, word):
        (folder / "token").write_text(word + "\n")
        first = credentials.resolve(f"file:{folder}/token", project_id="shop")
        (folder / "token").write_text(word + "2\r\n")
        second = credentials.resolve(f"file:{folder}/token", project_id="shop")
        assert (first.reveal(), second.reveal()) == (word, word + "2")
        assert first.version != second.version

    def test_follows_the_links_of_a_mounted_secret(self, folder, word):
        (folder / "..data_1").mkdir()
        (folder / "..data_1" / "token").write_text(word)
        (folder / "..data").symlink_to("..data_1")
        (folder / "token").symlink_to("..data/token")
        assert value(f"file:{folder}/token") == word

    def test_follows_no_link_out_of_its_folder(self, folder, tmp_path, word):
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / "token").write_text(word)
        (folder / "token").symlink_to(tmp_path / "other" / "token")
        assert "CREDENTIAL_DIRS" in refused(f"file:{folder}/token")
        assert "CREDENTIAL_DIRS" in refused(f"file:{tmp_path}/other/token")
        assert "CREDENTIAL_DIRS" in refused(f"file:{folder}/../other/token")
        (folder / "proc").symlink_to("/proc/self/environ")
        assert "CREDENTIAL_DIRS" in refused(f"file:{folder}/proc")

    def test_is_none_that_only_has_the_name_of_the_folder(self, settings, tmp_path, word):
        settings.CREDENTIAL_DIRS = [f"{tmp_path}/{{project}}"]
        (tmp_path / "postgres_password").write_text(word)
        assert refused(f"file:{tmp_path}/postgres_password", "postgres_password")

    def test_must_be_a_small_text_that_not_everybody_may_write(self, folder, word):
        (folder / "open").write_text(word)
        (folder / "open").chmod(0o666)
        assert "everybody" in refused(f"file:{folder}/open")
        (folder / "large").write_bytes(b"x" * (credentials.LARGEST + 1))
        assert "larger" in refused(f"file:{folder}/large")
        (folder / "binary").write_bytes(b"\xff\xfe" + word.encode())
        assert "no text" in refused(f"file:{folder}/binary")
        os.mkfifo(folder / "pipe")
        assert "regular" in refused(f"file:{folder}/pipe")
        (folder / "inner").mkdir()
        assert "regular" in refused(f"file:{folder}/inner")
        assert "CREDENTIAL_DIRS" in refused(f"file:{folder}")
        assert "opened" in refused(f"file:{folder}/away")

    def test_is_never_one_of_the_platforms_own(self, folder, monkeypatch, settings, word):
        (folder / "key").write_text(word)
        os.link(folder / "key", folder / "twin")
        monkeypatch.setenv("SECRET_KEY_FILE", str(folder / "key"))
        assert "platform" in refused(f"file:{folder}/twin")
        settings.KUBERNETES_SERVICE_ACCOUNT_DIR = str(folder / "account")
        (folder / "account").mkdir()
        (folder / "account" / "token").write_text(word)
        assert "platform" in refused(f"file:{folder}/account/token")


class Api(http.server.BaseHTTPRequestHandler):
    """The one path of the Kubernetes API that is needed."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        status, body = self.server.answers.get(self.path, (404, {"message": "not found"}))
        if status == 302:
            self.send_response(302)
            self.send_header("Location", "/elsewhere")
            self.end_headers()
            return
        self.send_response(status)
        self.end_headers()
        if body is None:  # drips, and never ends
            for _ in range(200):
                time.sleep(0.02)
                try:
                    self.wfile.write(b" ")
                except OSError:
                    return
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def identity(tmp_path_factory):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cluster")])
    now = datetime.datetime.now(datetime.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(alternative, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    place = tmp_path_factory.mktemp("identity")
    (place / "ca.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (place / "key").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return place


@pytest.fixture
def cluster(identity, monkeypatch, settings, tmp_path, word):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Api)
    server.asked, server.answers, server.token = [], {}, secrets.token_urlsafe(24)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity / "ca.crt", identity / "key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    (tmp_path / "token").write_text(server.token + "\n")
    (tmp_path / "ca.crt").write_bytes((identity / "ca.crt").read_bytes())
    settings.KUBERNETES_SERVICE_ACCOUNT_DIR = str(tmp_path)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.server_port))
    path = "/api/v1/namespaces/shop/secrets/metrics"
    server.path = path
    server.answers[path] = (200, {"data": {"token": base64.b64encode(word.encode()).decode()}})
    yield server
    server.shutdown()
    server.server_close()


REF = "k8s:shop/metrics#token"


class TestCluster:
    def test_gives_one_key_of_a_secret_to_the_pods_account(self, cluster, word):
        assert value(REF) == word
        assert cluster.asked == [(cluster.path, f"Bearer {cluster.token}")]

    def test_is_not_asked_for_another_namespace(self, cluster):
        assert "CREDENTIAL_NAMESPACES" in refused("k8s:kube-system/admin#token")
        assert "CREDENTIAL_NAMESPACES" in refused(REF, "other")
        assert not cluster.asked

    def test_is_told_apart_from_what_it_should_be(self, cluster, identity, settings, tmp_path):
        assert "no such key" in refused("k8s:shop/metrics#away")
        assert "404" in refused("k8s:shop/away#token")
        for status, body in ((302, {}), (403, {}), (500, {})):
            cluster.answers[cluster.path] = (status, body)
            assert str(status) in refused(REF)
        for body in ([], {"data": None}, {"data": {"token": "%"}}, {"data": {"token": 3}}, "x"):
            cluster.answers[cluster.path] = (200, body)
            assert "no such key" in refused(REF)
        (tmp_path / "ca.crt").write_text("none")
        assert "cannot be asked" in refused(REF)

    def test_is_given_two_seconds_for_all_of_its_answer(self, cluster, monkeypatch):
        monkeypatch.setattr("gateway.clusters._LONGEST", 0.2)
        cluster.answers[cluster.path] = (200, None)
        started = time.monotonic()
        assert "in time" in refused(REF)
        assert time.monotonic() - started < 5  # an answer without an end would take for ever

    def test_away_is_told(self, monkeypatch, settings, tmp_path):
        monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
        assert "not run in a cluster" in refused(REF)
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        settings.KUBERNETES_SERVICE_ACCOUNT_DIR = str(tmp_path)
        assert "cannot be asked" in refused(REF)


class TestForTarget:
    def test_resolves_the_credential_and_a_servers_environment(self, monkeypatch, word):
        monkeypatch.setenv("AWOOOP_CREDENTIAL_SHOP__A", word)
        monkeypatch.setenv("AWOOOP_CREDENTIAL_SHOP__B", word[::-1])
        body = {
            "credential_ref": "env:AWOOOP_CREDENTIAL_SHOP__A",
            "transport": {
                "kind": "stdio",
                "command": ["x"],
                "environment": {"TOKEN": "env:AWOOOP_CREDENTIAL_SHOP__B"},
            },
        }
        credential, variables = credentials.for_target(body, project_id="shop")
        assert credential.reveal() == word
        assert {name: each.reveal() for name, each in variables.items()} == {"TOKEN": word[::-1]}

    def test_needs_none_where_none_is_named(self):
        assert credentials.for_target({"transport": None}, project_id="shop") == (None, {})
        assert credentials.for_target({}, project_id="shop") == (None, {})


class TestSecret:
    def test_is_versioned_by_value_with_a_key(self, monkeypatch, settings, word):
        monkeypatch.setenv("AWOOOP_CREDENTIAL_SHOP__A", word)
        ref = "env:AWOOOP_CREDENTIAL_SHOP__A"
        one, two = (credentials.resolve(ref, project_id="shop") for _ in range(2))
        assert one.version == two.version
        settings.REDACTION_KEY = secrets.token_hex()
        assert credentials.resolve(ref, project_id="shop").version != one.version

    def test_shows_itself_in_no_way(self, word):
        secret = Secret(word, version="1")
        told = [repr(secret), str(secret), f"{secret}", f"{[secret]}", f"{secret!r:>30}"]
        for spell in (pickle.dumps, json.dumps, copy.copy, copy.deepcopy, vars):
            with pytest.raises(TypeError) as raised:
                spell(secret)
            told.append(str(raised.value))
        assert word not in "".join(told)

    @pytest.mark.parametrize("kind", ["text", "bytes", "empty"])
    def test_is_in_no_frame_of_a_failure(self, folder, monkeypatch, settings, word, kind):
        content = {"text": word.encode() + b"\0", "bytes": word.encode() + b"\xff", "empty": b"\n"}
        (folder / "token").write_bytes(content[kind])
        with pytest.raises(Failed) as raised:
            credentials.resolve(f"file:{folder}/token", project_id="shop")
        reason = raised.value.with_traceback(raised.value.__traceback__.tb_next)
        trace = traceback.TracebackException.from_exception(reason, capture_locals=True)
        assert word not in "".join(trace.format())
        assert reason.__context__ is None
        assert reason.__cause__ is None
