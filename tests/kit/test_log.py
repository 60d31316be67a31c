"""What a log line may say: everything but secrets, whoever wrote it and however it failed."""

import io
import json
import logging
import os
import re
import secrets
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog
from django.conf import settings
from django.test import Client

from awooop.kit import log

ROOT = Path(__file__).resolve().parents[2]
TAG = re.compile(r"\[secret:github:[0-9a-f]{8}\]")


def token():
    return "gh" + "p_" + secrets.token_hex(18)


class Unspeakable:
    def __repr__(self):
        raise RuntimeError(f"no words, but {self.secret}")

    __str__ = __repr__

    def __init__(self, secret):
        self.secret = secret


@pytest.fixture
def lines(monkeypatch):
    """What the root's own handler writes, as text."""
    handler = next(
        handler
        for handler in logging.getLogger("awooop").handlers
        if isinstance(handler.formatter, log.Formatter)
    )
    written = io.StringIO()
    monkeypatch.setattr(handler, "stream", written)
    return lambda: written.getvalue().splitlines()


def foreign(handler_of="awooop"):
    return logging.getLogger(f"{handler_of}.foreign")


class TestLines:
    def test_of_ours_hide_secrets_in_event_values_and_names(self, lines):
        secret = token()
        ours = structlog.get_logger("awooop.test")
        ours.warning(f"saw {secret}", password="correct horse", deep=[{secret: (secret,)}])

        (line,) = lines()
        told = json.loads(line)
        assert secret not in line
        assert "correct horse" not in line
        assert TAG.search(told["event"])
        assert told["level"] == "warning"

    def test_of_libraries_hide_secrets_in_arguments_and_extras(self, lines):
        secret = token()
        foreign().warning("GET %s took %d", f"/x?key={secret}", 3, extra={"headers": [secret]})

        told = json.loads(lines()[0])
        assert told["event"].startswith("GET /x?key=[secret:")
        assert TAG.fullmatch(told["headers"][0])

    @pytest.mark.parametrize("kind", ["ours", "theirs"])
    def test_hide_secrets_in_exceptions_and_stacks(self, lines, kind):
        secret = token()
        try:
            raise ValueError(f"refused {secret}") from KeyError(secret)
        except ValueError:
            if kind == "ours":
                structlog.get_logger("awooop.test").exception("failed")
            else:
                foreign().exception("failed", stack_info=True)

        (line,) = lines()
        assert secret not in line
        assert "ValueError: refused [secret:github:" in json.loads(line)["exception"]

    def test_of_refused_requests_carry_no_trace(self, lines):
        Client().get("/v1/platform/runs", headers={"Host": "evil.example"})

        refused = [
            told for line in lines() if "Invalid HTTP_HOST" in (told := json.loads(line))["event"]
        ]
        assert len(refused) == 1
        assert "exception" not in refused[0]

    def test_hide_what_the_context_carries(self, lines):
        secret = token()
        with structlog.contextvars.bound_contextvars(caller=secret):
            foreign().warning("asked")

        assert TAG.fullmatch(json.loads(lines()[0])["caller"])

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), b"\xff", {1, 2}, "\ud800", 1j])
    def test_stay_json_whatever_the_values(self, lines, value):
        structlog.get_logger("awooop.test").warning("odd", value=value, nested={"v": [value]})

        told = json.loads(lines()[0], parse_constant=pytest.fail)
        assert told["event"] == "odd"


class TestFaults:
    def test_lose_no_line_and_tell_no_content(self, lines):
        secret = token()
        foreign().warning("not a %d", secret)
        foreign().warning("%s", Unspeakable(secret))
        structlog.get_logger("awooop.test").warning("x", value=Unspeakable(secret))

        assert secret not in "".join(lines())
        told = [json.loads(line) for line in lines()]
        assert [one["event"] for one in told] == [log.WITHHELD, log.WITHHELD, "x"]

    def test_of_the_redactor_hide_the_whole_line(self, lines, monkeypatch):
        def broken(_):
            raise RuntimeError("boom")

        monkeypatch.setattr(log, "redact", broken)
        structlog.get_logger("awooop.test").warning("content", value="content")

        (line,) = lines()
        assert json.loads(line)["event"] == log.WITHHELD
        assert "content" not in line

    def test_of_threads_and_scripts_are_told_without_secrets(self):
        secret = token()
        script = (
            "import os, sys, threading; os.environ['DJANGO_SETTINGS_MODULE'] = 'awooop.settings'\n"
            "import django; django.setup()\n"
            "def fail(): raise ValueError('thread ' + sys.argv[1])\n"
            "t = threading.Thread(target=fail); t.start(); t.join()\n"
            "raise ValueError('main ' + sys.argv[1])\n"
        )
        ran = subprocess.run(
            [sys.executable, "-c", script, secret], cwd=ROOT, capture_output=True, text=True
        )
        assert ran.returncode == 1
        assert secret not in ran.stderr
        assert "ValueError: thread [secret:github:" in ran.stderr
        assert "ValueError: main [secret:github:" in ran.stderr


class TestGuard:
    def test_binds_handlers_that_stood_before_and_wakes_none(self, lines):
        other, silent = logging.getLogger("stood.before"), logging.getLogger("stood.silent")
        written = io.StringIO()
        other.addHandler(logging.StreamHandler(written))
        other.propagate = silent.propagate = False
        log.guard()
        secret = token()
        other.warning("with %s", secret)

        assert secret not in written.getvalue()
        assert TAG.search(json.loads(written.getvalue())["event"])
        assert not silent.hasHandlers()


class TestDiscreet:
    def test_hides_what_commands_say_of_their_arguments(self):
        secret = token()
        ran = subprocess.run(
            [sys.executable, "manage.py", "check", f"--{secret}", secret],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, "SECRET_KEY": settings.SECRET_KEY},
        )
        assert ran.returncode == 2
        assert "unrecognized arguments" in ran.stderr
        assert secret not in ran.stderr

    def test_is_a_stream_like_the_one_behind_it(self):
        written = io.StringIO()
        stream = log.Discreet(written)
        print("plain", file=stream)
        stream.writelines(["a", "b"])
        assert written.getvalue() == "plain\nab"
        assert stream.isatty() is False


class TestSettings:
    def test_that_make_no_sense_do_not_quote_a_password(self):
        address = "postgresql://app:hunter2/x@db/awooop"
        ran = subprocess.run(
            [sys.executable, "-c", "import awooop.settings"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            env={**os.environ, "DATABASE_URL": address},
        )
        assert ran.returncode == 1
        assert "hunter2" not in ran.stderr
        assert "escape its password" in ran.stderr


class TestKey:
    def test_gives_every_process_the_same_tags(self):
        secret = token()
        script = (
            "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'awooop.settings'\n"
            "{start}\n"
            "from awooop.kit.redaction import redact; print(redact(sys.argv[1]))"
        )
        starts = (
            "import awooop.asgi",
            "from awooop.celery import app; app.loader.import_default_modules()",
        )
        told = set()
        for start in starts:
            ran = subprocess.run(
                [sys.executable, "-c", script.format(start=start), secret],
                cwd=ROOT,
                env={**os.environ, "SECRET_KEY": "k" * 40},
                capture_output=True,
                text=True,
                check=True,
            )
            told.add(ran.stdout.splitlines()[-1])

        assert len(told) == 1
        assert TAG.fullmatch(told.pop())


class TestCost:
    def test_of_a_typical_line_is_small(self):
        event = {
            "event": "lease_lost",
            "run_id": "0192f3a0-1111-7222-8333-444455556666",
            "request_id": "0192f3a0-1111-7222-8333-444455556667",
            "project_id": "acme",
            "epoch": 3,
            "level": "warning",
            "timestamp": "2026-01-01T10:00:00.123456Z",
        }
        log._redacted(None, "", dict(event))
        took = []
        for _ in range(50):
            start = time.thread_time()
            for _ in range(20):
                log._redacted(None, "", dict(event))
            took.append((time.thread_time() - start) / 20)
        assert min(took) < 100e-6
