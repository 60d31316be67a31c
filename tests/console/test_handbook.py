"""The generated pages are the code's, and each error has a page of its own."""

import shutil
from enum import StrEnum

import pytest
from django.core.management import call_command
from django.http import Http404
from django.test import RequestFactory
from django.utils.html import escape

from awooop.console import errors_page, handbook
from awooop.errors import Code
from runs import fsm
from runs.fsm import State


@pytest.fixture
def copy(settings, tmp_path):
    """The docs in a place where they may be spoiled."""
    shutil.copytree(handbook.folder(), tmp_path / "docs")
    settings.BASE_DIR = tmp_path
    handbook.write()
    return tmp_path / "docs"


class TestPages:
    def test_are_committed_as_the_code_makes_them(self):
        assert handbook.stale() == "", "run manage.py handbook"

    def test_are_the_same_each_time(self):
        assert handbook.pages() == handbook.pages()

    def test_keep_their_defaults_whatever_this_process_was_given(self, settings):
        settings.RUN_LEASE_SECONDS = 1

        assert handbook.stale() == ""

    def test_name_every_code_once(self):
        page = handbook.pages()["errors.md"]

        assert all(page.count(f"| `{code.value}` |") == 1 for code in Code)

    def test_say_nothing_that_a_browser_takes_for_a_tag(self):
        for page in handbook.pages().values():
            assert "<project>" not in page.replace("\\<", "")

    def test_explain_every_state_every_move_and_nothing_else(self):
        assert set(handbook.STATES) == set(State)
        assert set(handbook.MOVES) == {
            (was, now) for was in State for now in State if now in fsm.MOVES[was]
        }
        assert set(handbook.ENDINGS) <= fsm.TERMINAL


class TestCode:
    @pytest.mark.parametrize("code", Code)
    def test_has_title_hint_and_status(self, code):
        assert code.title.strip()
        assert not code.title.endswith(".")
        assert code.hint.strip().endswith(".")
        assert 400 <= code.http < 600


class TestCheck:
    def test_is_content_with_current_pages(self, copy):
        call_command("handbook", check=True)

    @pytest.mark.parametrize("name", handbook.pages())
    def test_fails_on_a_stale_page_and_shows_the_difference(self, copy, name, capsys):
        page = copy / name
        page.write_text(page.read_text() + "An old line.\n")

        with pytest.raises(SystemExit) as ended:
            call_command("handbook", check=True)

        assert ended.value.code == 1
        assert "-An old line." in capsys.readouterr().out
        assert page.read_text().endswith("An old line.\n"), "a check writes nothing"

    def test_fails_on_a_missing_page(self, copy):
        (copy / "errors.md").unlink()

        with pytest.raises(SystemExit):
            call_command("handbook", check=True)

    def test_fails_when_a_code_is_added(self, copy, monkeypatch):
        class More(StrEnum):
            http: int
            title: str
            hint: str

            def __new__(cls, code):
                self = str.__new__(cls, code)
                self._value_ = code
                self.http, self.title, self.hint = 418, "It is a teapot", "Use another pot."
                return self

            TEAPOT = "E-POT-001"

        monkeypatch.setattr(handbook, "Code", [*Code, More.TEAPOT])

        assert "+| `E-POT-001` | 418 | It is a teapot. | Use another pot. |" in handbook.stale()


class TestWrite:
    def test_writes_what_is_stale_and_leaves_the_rest(self, copy):
        (copy / "errors.md").write_text("old")

        assert handbook.write() == [copy / "errors.md"]
        assert handbook.write() == []
        assert handbook.stale() == ""


class TestErrorPage:
    @pytest.mark.parametrize("code", Code)
    def test_says_what_happened_and_what_to_do(self, rf: RequestFactory, code):
        page = errors_page.show(rf.get("/"), code.value)

        assert page.status_code == 200
        for part in (code.value, str(code.http), escape(code.title), escape(code.hint)):
            assert part in page.content.decode()

    def test_needs_neither_style_nor_script_and_follows_the_readers_colours(self, rf):
        text = errors_page.show(rf.get("/"), "E-RUN-001").content.decode()

        assert not any(part in text for part in ("<style", "<script", "style=", "<link"))
        assert '<meta name="color-scheme" content="light dark">' in text

    @pytest.mark.parametrize("code", ["E-NO-SUCH-001", "e-run-001", "E-RUN-001 ", ""])
    def test_is_missing_for_a_code_that_is_not_there(self, rf, code):
        with pytest.raises(Http404):
            errors_page.show(rf.get("/"), code)

    def test_only_reads(self, rf):
        assert errors_page.show(rf.post("/"), "E-RUN-001").status_code == 405
