"""A database and two logical Valkey databases for one bench, gone when it ends."""

import contextlib
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit

import psycopg
import redis
from django.conf import settings
from django.db import connections
from django.db.utils import OperationalError

from awooop.console.bench.processes import say

PREFIX = "awooop_bench_"
_LOGICAL_DATABASES = 16
_MARK = "awooop:bench"
_DROP_SECONDS = 20
_UP_DECIDES = ("SECRET_KEY_FILE", "DATABASE_POOL_SIZE", "DATABASE_CONN_MAX_AGE")


class Unfit(Exception):
    """The configured servers cannot hold a bench; the text is meant for a person."""


@contextlib.contextmanager
def ground() -> Iterator[dict[str, str]]:
    """Make everything a measuring process needs and drop it afterwards.

    :returns: that process's environment.
    :raises Unfit: the owner may not create databases, or Valkey has no empty logical ones.
    """
    with _valkey() as valkey_urls, _database() as database_urls:
        kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL_FILE")}
        environment = {
            **kept,
            **valkey_urls,
            **database_urls,
            "DJANGO_SETTINGS_MODULE": "awooop.settings",
            "SECRET_KEY": settings.SECRET_KEY,
            "HTTPS_ONLY": "off",  # the doors are asked over plain HTTP on this machine
            "THROTTLE_KEY_PER_MINUTE": "100000000",
        }
        for name in _UP_DECIDES:
            environment.pop(name, None)
        _migrate(environment)
        yield environment


@contextlib.contextmanager
def _database() -> Iterator[dict[str, str]]:
    name = PREFIX + secrets.token_hex(4)
    try:
        _as_owner(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    except OperationalError as reason:
        raise Unfit(f"the database does not answer: {reason}") from None
    except psycopg.Error as reason:
        raise Unfit(f"the owner's role cannot create a scratch database: {reason}") from None
    say(f"scratch database {name}")
    try:
        yield {
            "DATABASE_URL": _url("default", name),
            "DATABASE_OWNER_URL": _url("owner", name),
        }
    finally:
        _drop(name)


def _drop(name: str) -> None:
    """The sessions of ended processes may outlive them by a moment."""
    deadline = time.monotonic() + _DROP_SECONDS
    while True:
        try:
            _as_owner(f"DROP DATABASE IF EXISTS {name}")
        except psycopg.errors.ObjectInUse:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return


def _as_owner(sql: str) -> None:
    connection = connections["owner"]
    connection.ensure_connection()
    connection.connection.execute(sql)


def _url(alias: str, name: str) -> str:
    found = settings.DATABASES[alias]
    if settings.EMBEDDED_DATABASE:
        return str(settings.STACK.database_url(found["USER"], name))
    given = settings.DATABASE_URL
    if alias == "owner" and settings.DATABASE_OWNER_URL:
        given = settings.DATABASE_OWNER_URL
    return _spelled(urlsplit(given)._replace(path=f"/{name}"))


@contextlib.contextmanager
def _valkey() -> Iterator[dict[str, str]]:
    """Two logical databases nobody uses, marked as ours; emptied afterwards."""
    taken: list[int] = []
    try:
        for number in reversed(range(_LOGICAL_DATABASES)):
            if len(taken) < 2 and _take(number):
                taken.append(number)
        if len(taken) < 2:
            raise Unfit("Valkey has no two empty logical databases to lend")
        facts, broker = taken
        yield {
            "REDIS_URL": logical(settings.REDIS_URL, facts),
            "CELERY_BROKER_URL": broker_of(logical(settings.REDIS_URL, broker), broker),
        }
    except redis.RedisError as reason:
        raise Unfit(f"Valkey does not answer: {reason}") from None
    finally:
        for number in taken:
            with contextlib.suppress(redis.RedisError), _server(number) as server:
                server.flushdb()


def _take(number: int) -> bool:
    with _server(number) as server:
        return server.dbsize() == 0 and bool(server.set(_MARK, os.getpid(), nx=True))


def _server(number: int) -> redis.Redis:
    return redis.Redis.from_url(logical(settings.REDIS_URL, number), socket_timeout=5)


def logical(url: str, number: int) -> str:
    """Return the address of another logical database of the same Valkey."""
    parts = urlsplit(url)
    asked = [pair for pair in parse_qsl(parts.query) if pair[0] != "db"]
    if parts.scheme == "unix":
        return _spelled(parts._replace(query=urlencode([*asked, ("db", number)])))
    return _spelled(parts._replace(path=f"/{number}", query=urlencode(asked)))


def broker_of(url: str, number: int) -> str:
    """Return the same address in kombu's dialect: rings must not reach anybody's real workers."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    return _spelled(parts._replace(scheme="redis+socket", query=f"virtual_host={number}"))


def _spelled(parts: SplitResult) -> str:
    """``geturl`` drops the slashes before an empty host; the drivers want them."""
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}{parts.path}{query}"


def _migrate(environment: dict[str, str]) -> None:
    command = [sys.executable, "-m", "django", "migrate", "--verbosity", "0"]
    subprocess.run(command, env=environment, cwd=settings.BASE_DIR, check=True)
