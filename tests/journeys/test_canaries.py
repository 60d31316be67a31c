"""Fresh secrets of every class, sent through every door of real processes: none is found again.

Looked through afterwards: each row of each table, each key of Valkey, the logs, every answer and
every page, for the secrets themselves and for their usual spellings.
"""

import base64
import contextlib
import http.client
import importlib.util
import io
import json
import logging
import os
import re
import secrets
import socket
import string
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import redis as redis_client
from django.conf import settings
from django.db import connections, transaction

from awooop import celery
from awooop.kit import log
from awooop.kit.db import global_tx
from awooop.tenants.models import Operator, Role
from runs import shadow, worker

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-long-Pass-phrase-1"
JWT_HEAD = "eyJhbGciOiAiSFMyNTYi"  # the same for every token, so it tells nothing
ALNUM = string.ascii_letters + string.digits


def maker():
    """The corpus's maker of secrets, with a seed that nobody knows."""
    path = ROOT / "tests" / "kit" / "redaction_corpus.py"
    spec = importlib.util.spec_from_file_location("redaction_corpus", path)
    corpus = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = corpus
    spec.loader.exec_module(corpus)
    return corpus, corpus.Maker(secrets.randbits(64))


class Canaries:
    """Secrets on their way: what carries each, and what must not be seen again."""

    def __init__(self):
        self.corpus, self.maker = maker()
        self.planted = []

    def brood(self, door, *, lines=False):
        """Return fresh carriers, one a class; some need more than one line."""
        m, shaped = self.maker, self.corpus.shaped(self.maker)
        plain = {
            kind: shaped[kind]()
            for kind in (
                *("aws", "github", "gitlab", "slack", "telegram", "openai", "anthropic", "jwt"),
                *("email", "phone", "card", "taiwan-id"),
            )
        }
        carried = {kind: (secret, f"saw {secret} today") for kind, secret in plain.items()}
        word = m.of(ALNUM, 24)
        carried["password"] = (word, f"password={word}")
        word = m.of(ALNUM, 22)
        carried["dsn"] = (word, f"postgresql://app:{word}@db.internal/shop")
        word = m.of(ALNUM, 40)
        carried["bearer"] = (word, f"Authorization: Bearer {word}")
        if lines:
            body = m.of(self.corpus.B64, 64)
            key = f"-----BEGIN PRIVATE KEY-----\n{body}\n{body[::-1]}\n-----END PRIVATE KEY-----"
            carried["pem"] = (body, key)
            word = m.of(ALNUM, 60)
            carried["kubeconfig"] = (word, f"users:\n- name: ops\n  user:\n    token: {word}\n")
        self.planted += [(door, kind, secret) for kind, (secret, _) in carried.items()]
        return {kind: carrier for kind, (_, carrier) in carried.items()}

    def bare(self, door):
        """Return tokens that stand alone, as names and ids do."""
        shaped = self.corpus.shaped(self.maker)
        tokens = {kind: shaped[kind]() for kind in ("aws", "github", "gitlab", "openai", "jwt")}
        self.planted += [(door, kind, token) for kind, token in tokens.items()]
        return tokens

    def seen_in(self, places):
        """Yield each canary that lives on: where it was planted, of which class, where it is."""
        for door, kind, secret in self.planted:
            for form in spellings(secret):
                for name, text in places.items():
                    if form in text:
                        yield door, kind, name, text[max(0, text.find(form) - 60) :][:160]


def spellings(secret):
    """Return a secret, its halves, and how it reads in base64, in an address and in JSON."""
    raw = secret.encode()
    forms = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    if len(secret) >= 24:
        forms |= {secret[:20], secret[-20:]}
    for shift in range(3):
        shifted = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        forms.add(shifted[4:-4] if shift else shifted[:-2])
    return {form for form in forms if not form.startswith(JWT_HEAD)}


class House:
    """The web and what it answered, kept for the search."""

    def __init__(self, port, key):
        self.port, self.key, self.heard = port, key, io.StringIO()
        self.cookies = {}

    def ask(self, method, path, body=None, headers=None, *, key=True):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        data = json.dumps(body) if isinstance(body, dict | list) else body
        sent = {"Content-Type": "application/json"}
        if key:
            sent["Authorization"] = f"Bearer {self.key}"
        with contextlib.closing(connection):
            connection.request(method, path, data, {**sent, **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    crumb, _, rest = value.partition(";")[0].partition("=")
                    self.cookies[crumb] = rest
                else:
                    self.heard.write(f"{name}: {value}\n")
        self.heard.write(text + "\n")
        return answer.status, text

    def visit(self, path, form=None):
        crumbs = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is None:
            return self.ask("GET", path, headers=crumbs, key=False)
        token = self.cookies.get("csrftoken", "")
        crumbs["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode({**form, "csrfmiddlewaretoken": token})
        return self.ask("POST", path, body, crumbs, key=False)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(env, output, *command):
    with output.open("w") as told:
        child = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=env, stdout=told, stderr=told
        )
        try:
            yield
        finally:
            child.terminate()
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def eventually(question):
    deadline = time.monotonic() + 40
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if found := question():
                return found
        time.sleep(0.05)
    pytest.fail("it did not happen in time")


def rows():
    """Return every row of every table as text; the owner steps over the walls and back."""
    told = io.StringIO()
    with contextlib.suppress(Rewound), transaction.atomic(using="owner"):
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            for (table,) in cursor.fetchall():
                cursor.execute(f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY')
                cursor.execute(f'SELECT t::text FROM "{table}" t')
                told.writelines(f"{table}: {row}\n" for (row,) in cursor.fetchall())
        raise Rewound
    return told.getvalue()


class Rewound(Exception):
    """Takes the transaction back."""


def valkey():
    """Return every key and value, of the cache and of the broker."""
    told = io.StringIO()
    reads = {
        b"none": lambda _server, _key: None,  # gone since it was listed
        b"string": lambda server, key: server.get(key),
        b"list": lambda server, key: server.lrange(key, 0, -1),
        b"hash": lambda server, key: server.hgetall(key),
        b"set": lambda server, key: server.smembers(key),
        b"zset": lambda server, key: server.zrange(key, 0, -1),
    }
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        url = getattr(settings, name).replace("redis+socket", "unix").replace("virtual_host", "db")
        with contextlib.closing(redis_client.Redis.from_url(url)) as server:
            for key in server.scan_iter():
                told.write(f"{key!r} {reads[server.type(key)](server, key)!r}\n")
    return told.getvalue()


class Servers:
    """What PostgreSQL and Valkey log from now on, where they are ours."""

    def __init__(self):
        logs = Path(os.environ["AWOOOP_STATE_DIR"]).glob("log/*.log")
        self.begun = {path: path.stat().st_size for path in logs}

    def heard(self):
        told = [path.read_bytes()[begun:] for path, begun in self.begun.items()]
        return "\n".join(["-", *(text.decode(errors="replace") for text in told)])


def runs_door(house, canaries):
    path = "/v1/platform/runs"
    deep = canaries.brood("input", lines=True)
    for kind, carrier in deep.items():
        nested = {"deep": [{"er": {"note": carrier, "raw": json.dumps({"inner": carrier})}}]}
        encoded = base64.b64encode(carrier.encode()).decode()
        body = {"agent_id": "sre-agent", "input": {**nested, f"k {carrier}": 1, "b64": encoded}}
        status, _ = house.ask("POST", path, body)
        assert status == 201, kind
    ids = {}
    for kind, carrier in canaries.brood("event id and trigger_ref").items():
        body = {"agent_id": "sre-agent", "input": {"n": 1}, "provider_event_id": carrier}
        told = [house.ask("POST", path, {**body, "trigger_ref": carrier}) for _ in range(2)]
        assert [status for status, _ in told] == [201, 200], kind
        ids[json.loads(told[0][1])["run_id"]] = kind
    assert len(ids) == 15
    for carrier in canaries.brood("headers and query").values():
        forged = dict.fromkeys(
            ("traceparent", "User-Agent", "Referer", "X-Forwarded-For", "X-Forwarded-Host"), carrier
        )
        forged |= {"Cookie": f"sessionid={quote(carrier)}", "X-Request-Id": carrier.split()[-1]}
        query = urlencode({"agent_id": carrier, "cursor": carrier, "q": carrier})
        house.ask("GET", f"{path}?{query}", headers=forged)
        house.ask("POST", f"{path}?{query}", {"agent_id": "sre-agent"}, forged)
    for token in canaries.bare("names").values():
        house.ask("POST", path, {"agent_id": token[:100]})
        house.ask("GET", path, headers={"X-Request-Id": token[:64]})
        house.ask("GET", f"{path}?project_id={token[:64]}&per_page={token}")


def malformed(house, canaries):
    path = "/v1/platform/runs"
    for carrier in canaries.brood("malformed", lines=True).values():
        house.ask("POST", path, f'{{"agent_id": "{carrier}')
        house.ask("POST", path, {carrier: carrier, "agent_id": carrier, "input": [carrier]})
        house.ask("POST", path, carrier, {"Content-Type": f"text/plain; x={quote(carrier)}"})
        house.ask("POST", "/v1/channels/acme/alertmanager", {"alerts": [{carrier: carrier}]})
        for where in ("/v1/platform/runs/", "/v1/platform/runs/x/", "/v1/", "/", "/errors/"):
            house.ask("GET", where + quote(carrier, safe=""))
        house.ask("DELETE", f"/v1/platform/runs?x={quote(carrier)}")
    for token in canaries.bare("credentials").values():
        house.ask("GET", path, headers={"Authorization": f"Bearer {token}"})
        house.ask("GET", path, headers={"Authorization": f"Basic {token}"})


def cancelled(house, canaries):
    for carrier in canaries.brood("cancel reason", lines=True).values():
        _, told = house.ask("POST", "/v1/platform/runs", {"agent_id": "sre-agent"})
        run = json.loads(told)["run_id"]
        status, _ = house.ask(
            "POST", f"/v1/platform/runs/{run}/cancel", {"reason": f"{'x' * 40} {carrier}"[:300]}
        )
        assert status == 200


def alerted(house, canaries):
    for kind, carrier in canaries.brood("alert", lines=True).items():
        body = {
            "version": "4",
            "groupKey": f"{{}}:{{{carrier}}}",
            "status": "firing",
            "receiver": carrier,
            "externalURL": f"https://am.example.com/?q={quote(carrier)}",
            "commonLabels": {"alertname": carrier, "severity": carrier},
            "commonAnnotations": {"summary": f"{'long ' * 92} {carrier}", carrier: "x"},
            "alerts": [
                {
                    "status": "firing",
                    "labels": {"l": carrier},
                    "annotations": {"description": json.dumps({"why": carrier})},
                    "startsAt": "2026-05-04T10:00:00Z",
                    "later": {"field": [carrier]},
                }
            ],
        }
        told = [house.ask("POST", "/v1/channels/acme/alertmanager", body) for _ in range(2)]
        assert [status for status, _ in told] == [201, 200], kind


def console_doors(house, canaries):
    house.visit("/admin/login/")
    for kind, carrier in canaries.brood("console").items():
        form = {"username": carrier, "password": carrier}
        if kind in ("github", "email", "password"):  # hashing what was tried takes its time
            house.visit("/admin/login/", form)
            house.visit(f"/admin/runs/?agent={quote(carrier)}")
            house.ask("POST", "/admin/login/", urlencode(form), key=False)
        house.visit("/admin/login/", {**form, "username": carrier * 10})
        house.visit("/admin/login/", {**form, "next": f"/admin/?q={carrier}"})
        house.visit(f"/admin/login/?next=/admin/runs/%3Fagent={quote(quote(carrier))}")
    house.visit("/admin/login/")
    status, _ = house.visit("/admin/login/", {"username": "ann", "password": PASSWORD})
    assert status == 302
    for carrier in canaries.brood("console filters").values():
        value = quote(carrier, safe="")
        house.visit(f"/admin/runs/?agent={value}&q={value}&project={value}&older_than={value}")
        house.visit(f"/admin/runs/{value}/?page={value}")
        house.visit("/i18n/setlang/", {"language": "en", "next": f"/admin/?q={carrier}"})
    for carrier in canaries.brood("console cancel").values():
        _, told = house.ask("POST", "/v1/platform/runs", {"agent_id": "sre-agent"})
        run = json.loads(told)["run_id"]
        status, _ = house.visit(f"/admin/runs/{run}/cancel/", {"reason": carrier})
        assert status == 302
    for token in canaries.bare("console names").values():
        house.visit(f"/admin/runs/?agent={token[:100]}&project={token[:64].lower()}")


def poisoned_queue(canaries):
    """Send tasks that no worker knows, and one of ours with arguments it does not take."""
    for carrier in canaries.brood("task", lines=True).values():
        celery.app.send_task("runs.unheard_of", args=[carrier], kwargs={"why": [carrier]})
        celery.app.send_task("runs.reap", kwargs={"reason": carrier})


def commands(env, canaries):
    """Start commands with secrets for arguments; return what must be waited for."""
    many, others = (" ".join(canaries.brood("command").values()) for _ in range(2))
    asked = (
        ("onboard_tenant", "canary-farm", "--name", many),
        ("set_mode", others, "shadow"),
    )
    return [
        subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in asked
    ]


def executor_fails(tenant, canaries, monkeypatch):
    """Let the executor raise what holds secrets, here, where its log can be heard."""
    carriers = list(canaries.brood("executor", lines=True).values())

    def fails(*_):
        raise ValueError(carriers.pop())

    heard = io.StringIO()
    for name in ("runs", "awooop", "django"):
        for handler in logging.getLogger(name).handlers:
            if isinstance(handler.formatter, log.Formatter):
                monkeypatch.setattr(handler, "stream", heard)
    for _ in range(len(carriers)):
        tenant.post("/v1/platform/runs", {"agent_id": tenant.agent_id})
    with monkeypatch.context() as patch:
        patch.setattr(shadow, "walk", fails)
        while carriers:
            worker.drain(worker="w")
    assert heard.getvalue().count("executor_failed") >= 15
    return heard.getvalue()


class TestSearch:
    @pytest.mark.parametrize("spelt", [str, quote, json.dumps, lambda s: s[:30], lambda s: s[-30:]])
    def test_finds_a_canary_in_any_spelling(self, spelt):
        canaries = Canaries()
        secret = canaries.bare("here")["openai"] + "/"
        canaries.planted = [("here", "openai", secret)]
        assert list(canaries.seen_in({"log": f"so {spelt(secret)} said"}))
        for ahead in range(3):
            encoded = base64.b64encode(b"x" * ahead + secret.encode() + b" more").decode()
            assert list(canaries.seen_in({"log": encoded}))


class TestCanaries:
    def test_are_never_seen_again(self, tenant, process_env, tmp_path, monkeypatch):
        canaries, port, ours = Canaries(), free_port(), Servers()
        with global_tx():
            Operator.objects.create_user("ann", password=PASSWORD, platform_role=Role.ADMIN)
        env = {**process_env, "AWOOOP_TESTING": "0", "THROTTLE_ANONYMOUS_PER_MINUTE": "100000"}
        env |= {"RUN_SWEEP_SECONDS": "0.5", "ALLOWED_HOSTS": "127.0.0.1"}
        env |= {"DJANGO_SETTINGS_MODULE": "tests.hasty"}
        asked = commands(env, canaries)
        in_process = executor_fails(tenant, canaries, monkeypatch)
        web, work = tmp_path / "web.log", tmp_path / "worker.log"
        serve = ["-m", "uvicorn", "awooop.asgi:application", "--port", str(port)]
        consume = ["-m", "celery", "-A", "awooop", "worker", "-P", "threads", "-l", "info"]
        house = House(port, tenant.key)
        with running(env, web, *serve, "--log-level", "info"):
            eventually(lambda: house.ask("GET", "/livez")[0] == 200)
            for door in (runs_door, malformed, cancelled, alerted, console_doors):
                door(house, canaries)
            poisoned_queue(canaries)
            with running(env, work, *consume):
                page = eventually(lambda: ended(house))
                eventually(lambda: not re.search("^b'(awooop|unacked)' ", valkey(), re.MULTILINE))
            for run in page:
                house.ask("GET", f"/v1/platform/runs/{run}/detail")
            for run in page[::8]:
                house.visit(f"/admin/runs/{run}/")
            for path in ("/admin/", "/admin/runs/?per_page=200", "/admin/tenants/", "/metrics"):
                house.visit(path)
        told = [child.communicate(timeout=60) for child in asked]
        places = {
            "rows": rows(),
            "valkey": valkey(),
            "web log": web.read_text(),
            "worker log": work.read_text(),
            "log here": in_process,
            "answers": house.heard.getvalue(),
            "servers' logs": ours.heard(),
            "commands": "\n".join(err for _, err in told) + told[0][0],
        }

        assert len(canaries.planted) > 180
        assert all(places.values())
        assert places["web log"].count("/v1/platform/runs?") > 30
        assert "Task runs.drain" in places["worker log"]
        assert places["worker log"].count("unregistered task") >= 17
        assert len(re.findall(r"\[secret:[a-z_]+:[0-9a-f]{8}\]", places["rows"])) > 100
        assert list(canaries.seen_in(places)) == []


def ended(house):
    """Return the runs once none of them waits any more."""
    _, told = house.ask("GET", "/v1/platform/runs?per_page=200")
    runs = json.loads(told)["runs"]
    return [run["run_id"] for run in runs] if all(run["completed_at"] for run in runs) else None
