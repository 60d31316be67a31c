"""What every test may ask for: a clean database, a tenant, a caller at its door."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth import hashers
from django.db import connections
from django.test import Client
from django.test.utils import setup_databases, teardown_databases
from django.utils import timezone

from awooop import celery
from awooop.console import onboarding
from awooop.kit import redis, throttle
from awooop.tenants.modes import Mode
from contracts import queries as contracts
from gateway import catalog, rates
from gateway.serving import callers
from runs import shadow, worker
from tests import hasty, tables


@pytest.fixture(scope="session", autouse=True)
def own_valkey_database() -> None:
    """Give each xdist worker a logical database of its own, so that flushing hurts nobody."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) + 1
    for name in ("REDIS_URL", "CELERY_BROKER_URL"):
        url = getattr(settings, name)
        for tail in ("?db=0", "?virtual_host=1", "/0"):
            if url.endswith(tail):
                url = url[: -len(tail)] + tail[:-1] + str(number)
                break
        setattr(settings, name, url)
    celery.app.conf.broker_url = settings.CELERY_BROKER_URL
    redis.forget_client()


@pytest.fixture(scope="session", autouse=True)
def hasty_settings() -> None:
    """Do without what costs each test much and is the business of none.

    Passwords are hashed a million times over; every new client of Django's looks through all static
    files, to find the one it is asked for without looking.
    """
    settings.PASSWORD_HASHERS = hasty.PASSWORD_HASHERS
    hashers.get_hashers.cache_clear()
    hashers.get_hashers_by_algorithm.cache_clear()
    settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None, django_db_modify_db_settings: None, django_db_blocker: Any
) -> Iterator[None]:
    """Migrate a test database once a process, whatever the tests in it ask for."""
    with django_db_blocker.unblock():
        made = setup_databases(0, False, aliases=["default", "owner"], serialized_aliases=[])
    yield
    with django_db_blocker.unblock():
        tables.leave()
        connections.close_all()
        teardown_databases(made, 0)


@pytest.fixture
def clean(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """Real commits on real connections, and an empty database for whoever comes next."""
    with django_db_blocker.unblock():
        contracts.forget()
        catalog.forget()
        throttle.forget()
        rates.forget()
        callers.forget()
        shadow.forget()
        redis.forget_client()
        redis.ask(lambda server: server.flushdb())
        yield
        worker.dismiss_lanes()
        connections.close_all()
        tables.wipe()
        connections.close_all()


@dataclass(frozen=True)
class Caller:
    """An agent developer with a key."""

    project_id: str
    agent_id: str
    key: str
    client: Client

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(
            path,
            data=data,
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.key}", **headers},
        )

    def get(self, path: str, query: dict[str, Any] | None = None, **headers: str) -> Any:
        return self.client.get(
            path, query, headers={"Authorization": f"Bearer {self.key}", **headers}
        )


NewTenant = Callable[..., Caller]


@pytest.fixture
def new_tenant(clean: None) -> NewTenant:
    """A maker of tenants in shadow mode, with two destructive tools among six."""

    def make(project_id: str = "acme", mode: Mode = Mode.SHADOW) -> Caller:
        made = tables.cast(
            project_id,
            ("onboarded", mode),
            lambda: onboarding.onboard(
                project_id,
                display_name=project_id,
                mode=mode,
                actor="test",
                at=timezone.now(),
                destructive=(("restart_deployment", "Restart."), ("delete_pod", "Delete.")),
            ),
        )
        client = Client(raise_request_exception=False)
        return Caller(project_id, made.agent_id, made.api_key, client)

    return make


@pytest.fixture
def tenant(new_tenant: NewTenant) -> Caller:
    return new_tenant()


@pytest.fixture
def process_env(clean: None) -> dict[str, str]:
    """The environment that makes another process use this test's database and Valkey."""

    def url(alias: str) -> str:
        found = connections[alias].settings_dict
        secret = f":{found['PASSWORD']}" if found["PASSWORD"] else ""
        who = f"{found['USER']}{secret}"
        if found["HOST"].startswith("/"):
            host = found["HOST"].replace("/", "%2F")
            return f"postgresql://{who}@/{found['NAME']}?host={host}"
        return f"postgresql://{who}@{found['HOST']}:{found['PORT'] or 5432}/{found['NAME']}"

    return {
        **os.environ,
        "DATABASE_URL": url("default"),
        "DATABASE_OWNER_URL": url("owner"),
        "REDIS_URL": settings.REDIS_URL,
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "HTTPS_ONLY": "0",
        "PYTHONUNBUFFERED": "1",
    }
