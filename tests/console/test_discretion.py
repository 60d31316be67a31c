"""What the console and its records do not repeat: secrets in addresses, names, forms and errors."""

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import path
from django.utils import timezone

from awooop.console import middleware
from awooop.kit.db import global_tx, tenant_tx
from awooop.tenants.models import Operator, PlatformSubject, Role
from awooop.urls import handler404, handler500, urlpatterns  # noqa: F401 - of this module as a URLconf
from channels_hub.models import ConversationEvent

TOKEN = "gl" + "pat-" + "a1B2c3D4e5" * 2
PASSWORD = "a-long-Pass-phrase-1"


def broken(request):
    told = request.GET.dict() | {"token": TOKEN}
    raise ValueError(f"cannot use {TOKEN} of {sorted(told)}")


urlpatterns = [path("broken", broken), *urlpatterns]


def admin():
    with global_tx():
        person = Operator.objects.create_user("ann", password=PASSWORD, platform_role=Role.ADMIN)
    client = Client()
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return person, client


@pytest.mark.urls(__name__)
class TestErrorPages:
    @pytest.mark.parametrize("debug", [True, False])
    def test_hide_values_settings_and_the_address(self, clean, settings, debug):
        settings.DEBUG = debug
        client = Client(raise_request_exception=False)
        answer = client.get(f"/broken?q={TOKEN}&password=hunter2x", HTTP_X_THING=TOKEN)

        page = answer.content.decode()
        assert answer.status_code == 500
        assert TOKEN not in page
        assert "hunter2x" not in page
        assert settings.SECRET_KEY not in page
        assert ("cannot use [secret:gitlab:" in page) is debug

    @pytest.mark.parametrize("debug", [True, False])
    def test_of_missing_pages_hide_the_address(self, clean, settings, debug):
        settings.DEBUG = debug
        answer = Client().get(f"/nowhere/{TOKEN}?q={TOKEN}")

        assert answer.status_code == 404
        assert TOKEN not in answer.content.decode()


class TestAddresses:
    @pytest.mark.parametrize(
        "where", ["/admin/runs/?agent={}", "/admin/login/?next=/admin/?q={}", "/admin/{}"]
    )
    def test_that_hold_a_secret_are_not_repeated(self, clean, where):
        _, client = admin()
        for visitor in (Client(), client):
            answer = visitor.get(where.format(TOKEN))
            told = answer.content.decode() + str(answer.headers)
            assert TOKEN not in told

    def test_that_hold_none_lead_back_to_where_a_person_was_going(self, clean):
        answer = Client().get("/admin/runs/?agent=sre-agent")
        assert answer["Location"] == "/admin/login/?next=/admin/runs/%3Fagent%3Dsre-agent"

    @pytest.mark.parametrize(
        ("sent", "kept"),
        [
            ("10.1.2.3", "10.1.2.3"),
            ("fe80::1%eth0", "fe80::1"),
            (TOKEN, "0.0.0.0"),
            ("", "0.0.0.0"),
        ],
    )
    def test_of_clients_are_addresses(self, sent, kept):
        def told(request):
            return HttpResponse(request.META["REMOTE_ADDR"])

        request = RequestFactory().get("/", REMOTE_ADDR=sent)
        assert middleware.Address(told)(request).content.decode() == kept

    @pytest.mark.parametrize("asked", [TOKEN, "AKIA" + "Q3EGZ5XH7BLCM2JT", "aB3" * 9, "short"])
    def test_of_requests_are_ours_when_theirs_could_be_a_token(self, clean, asked):
        answer = Client().get("/livez", headers={"X-Request-Id": asked})
        assert answer["X-Request-Id"] != asked

    def test_of_requests_are_theirs_otherwise(self, clean):
        asked = "0192f3a0-1111-7222-8333-444455556666"
        answer = Client().get("/livez", headers={"X-Request-Id": asked})
        assert answer["X-Request-Id"] == asked


class TestSignIn:
    def test_remembers_failures_without_what_was_typed(self, clean, settings):
        settings.AXES_ENABLED, settings.AXES_FAILURE_LIMIT = True, 2
        form = {"username": TOKEN, "password": "hunter2x", "next": "/admin/"}
        agent = {"User-Agent": f"probe {TOKEN}", "Accept": f"text/html; q={TOKEN}"}
        pages = [
            Client(headers=agent).post("/admin/login/", form)
            for _ in range(settings.AXES_FAILURE_LIMIT)
        ]

        assert pages[-1].status_code == 429  # counted by what stands for the name
        assert not any(TOKEN in page.content.decode() for page in pages)
        kept = repr(list(AccessAttempt.objects.values()) + list(AccessLog.objects.values()))
        assert "failures_since_start" in kept
        assert TOKEN not in kept
        assert "hunter2x" not in kept
        assert "next=" not in kept

    def test_shows_a_plain_name_again(self, clean):
        page = Client().post("/admin/login/", {"username": "ann", "password": "no"})
        assert 'value="ann"' in page.content.decode()


class TestJournals:
    def test_of_the_admin_keep_no_secrets(self, clean):
        person, _ = admin()
        LogEntry.objects.log_actions(
            person.pk,
            [person],
            CHANGE,
            change_message=[{"changed": {"name": "x", "object": TOKEN, "fields": ["password"]}}],
            single_object=True,
        )
        entry = LogEntry.objects.get()
        assert TOKEN not in entry.change_message
        assert entry.get_change_message()
        assert entry.object_repr == "ann"

    def test_are_told_without_secrets_even_if_a_row_holds_one(self, tenant):
        run_id = tenant.post("/v1/platform/runs", {"agent_id": tenant.agent_id}).json()["run_id"]
        with tenant_tx("acme"):
            PlatformSubject.objects.create(
                platform_subject_id="acme:alertmanager:x",
                project_id="acme",
                channel_type="alertmanager",
                channel_user_id="x",
                roles=["viewer"],
                first_seen_at=timezone.now(),
                last_seen_at=timezone.now(),
            )
            ConversationEvent.objects.create(
                project_id="acme",
                run_id=run_id,
                channel_type="alertmanager",
                provider_event_id=TOKEN,
                platform_subject_id="acme:alertmanager:x",
                content_preview=f"disk full, {TOKEN}",
                received_at=timezone.now(),
            )
        _, client = admin()
        page = client.get(f"/admin/runs/{run_id}/").content.decode()
        told = tenant.get(f"/v1/platform/runs/{run_id}/detail").content.decode()
        assert "disk full, [secret:gitlab:" in page
        assert "disk full, [secret:gitlab:" in told
        assert TOKEN not in page + told
