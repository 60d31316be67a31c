"""The lists of the console: whatever they list, they take and refuse filters alike."""

import secrets

import pytest

from awooop.console import lists
from awooop.tenants.models import Role
from tests.console.asking import text

WRONG = {
    "/admin/runs/": {"state": "x", "since": "x", "per_page": "7"},
    "/admin/contracts/": {"family": "x", "status": "x", "contract": "\x01"},
    "/admin/calls/": {"gate": "6", "status": "x", "agent": "x" * 302},
    "/admin/effects/": {"view": "x"},
    "/admin/quarantine/": {},
    "/admin/gateways/": {"after": "nowhere"},
    "/admin/approvals/": {},
    "/admin/approvals/history/": {"risk": "x", "standing": "pending"},
    "/admin/incidents/": {"severity": "x", "status": "x"},
    "/admin/operations/": {"outcome": "x", "verdict": "x"},
    "/admin/playbooks/": {"standing": "x"},
    "/admin/knowledge/": {"worked": "maybe", "words": "\x00"},
    "/admin/audit/": {"act": "x", "actor": "\x7f"},
}


@pytest.fixture
def viewer(tenant, signed_in):
    return signed_in(platform_role=Role.VIEWER)


@pytest.mark.parametrize("path", WRONG)
class TestEveryList:
    def test_answers_a_wrong_value_with_the_page_and_its_filter(self, viewer, path):
        for name, value in ({"project": "A b"} | {"older_than": "x"} | WRONG[path]).items():
            answer = viewer.get(path, {name: value})
            if path == "/admin/audit/" and name == "project":
                assert answer.status_code == 404  # a chain by no such name
                continue
            assert answer.status_code == 400, name
            assert "has a value that cannot be used" in text(answer), name

    def test_keeps_the_project_beside_a_wrong_value(self, viewer, path):
        context = viewer.get(path, {"project": "acme", "older_than": "x"}).context
        kept = dict(context["hidden"]) | {
            each.name: choice.value
            for each in context["filters"]
            for choice in each.choices
            if choice.is_chosen
        }
        assert kept["project"] == "acme"

    def test_repeats_no_secret_that_somebody_looks_for(self, viewer, path):
        secret = f"ghp_{secrets.token_hex(18)}"
        for name in ("project", "agent", "tool", "contract", "words", "actor", "target"):
            assert secret not in text(viewer.get(path, {name: secret})), name

    def test_takes_one_direction_only(self, viewer, path):
        some = "7" if path == "/admin/audit/" else "01a1fe1b-0000-7000-8000-000000000000"
        answer = viewer.get(path, {"older_than": some, "newer_than": some})
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/admin/runs/", {"state": "failed"}),
        ("/admin/contracts/", {"status": "active"}),
        ("/admin/calls/", {"status": "blocked", "gateway": "observability"}),
        ("/admin/effects/", {"view": "all"}),
        ("/admin/audit/", {"project": "acme"}),
    ],
)
def test_what_no_field_shows_is_kept_while_filtering(viewer, path, asked):
    told = viewer.get(path, asked)
    for name, value in asked.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in text(told)


class TestFrame:
    def test_resets_to_what_is_pinned(self):
        class Asked(lists.Query[int]):
            view: str = "open"

        frame = lists.Frame(Asked(project="acme"), [], None, pinned=["view"])
        context = frame.context(older=3, newer=None)
        assert context["reset"] == "?view=open"
        assert context["is_filtered"]
        assert context["older"] == "?project=acme&view=open&older_than=3"
        assert context["newest"] == context["newer"] == ""

    def test_keeps_a_project_that_is_not_listed_chosen(self):
        asked = lists.Query[int](project="far")
        assert [(each.value, each.is_chosen) for each in lists.by_project(asked, []).choices] == [
            ("", False),
            ("far", True),
        ]
