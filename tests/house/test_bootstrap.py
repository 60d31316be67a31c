"""manage.py on a machine that has nothing: it makes its environment once, whole, and enters it."""

import ast
import importlib.util
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("manage", CHECKOUT / "manage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


manage = load()

INSTALLER = """
import pathlib, sys, time
venv = pathlib.Path(sys.argv[1])
time.sleep(float(sys.argv[2]))
(venv / "bin").mkdir(exist_ok=True)
(venv / "bin" / "python").touch(mode=0o755)
with (venv.parent / "installed").open("a") as log: log.write("once\\n")
"""


class Quick(manage.Environment):  # type: ignore[name-defined, misc]
    """An environment whose installer only leaves a trace."""

    seconds = "0"

    def steps(self, uv: str | None) -> list[list[str]]:
        return [[sys.executable, "-c", INSTALLER, str(self.venv), self.seconds]]

    @property
    def installs(self) -> int:
        trace = self.home / "installed"
        return len(trace.read_text().splitlines()) if trace.exists() else 0


class Broken(Quick):
    """An environment whose installer fails."""

    def steps(self, uv: str | None) -> list[list[str]]:
        return [[sys.executable, "-c", "raise SystemExit(3)"]]


@pytest.fixture
def environment(tmp_path: Path) -> Quick:
    home = tmp_path / "check out"
    home.mkdir()
    (home / "requirements.lock").write_text("one==1\n")
    return Quick(home)


class TestMake:
    def test_installs_once_while_the_lock_stays_the_same(self, environment: Quick) -> None:
        environment.make()
        environment.make()
        assert environment.installs == 1
        assert environment.is_current()

    def test_installs_again_when_the_lock_changed(self, environment: Quick) -> None:
        environment.make()
        environment.lock.write_text("one==2\n")
        assert not environment.is_current()
        environment.make()
        assert environment.installs == 2
        assert environment.is_current()

    def test_keeps_an_environment_that_needs_only_an_update(self, environment: Quick) -> None:
        environment.make()
        (environment.venv / "kept").touch()
        environment.lock.write_text("one==2\n")
        environment.make()
        assert (environment.venv / "kept").exists()

    def test_throws_away_what_was_cut_short(self, environment: Quick) -> None:
        environment.make()
        environment.unfinished.touch()
        (environment.venv / "half a package").touch()
        assert not environment.is_current()
        environment.make()
        assert environment.is_current()
        assert not (environment.venv / "half a package").exists()

    def test_makes_anew_what_lost_its_python(self, environment: Quick) -> None:
        environment.make()
        environment.python.unlink()
        environment.python.symlink_to("/no/such/python")
        assert not environment.is_current()
        environment.make()
        assert environment.is_current()

    def test_is_not_fooled_by_an_installer_that_failed(self, environment: Quick) -> None:
        environment.make()
        environment.lock.write_text("one==2\n")
        broken = Broken(environment.home)
        with pytest.raises(subprocess.CalledProcessError):
            broken.make()
        assert not broken.is_current()
        environment.make()
        assert environment.is_current()

    def test_turns_to_pip_when_uv_cannot(
        self, environment: Quick, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(manage.shutil, "which", lambda name: f"/opt/{name}")
        real, broken = environment.steps, Broken(environment.home).steps
        monkeypatch.setattr(environment, "steps", lambda uv: broken(uv) if uv else real(uv))
        environment.make()
        assert environment.is_current()

    def test_installs_once_when_two_terminals_ask(self, environment: Quick) -> None:
        environment.seconds = "0.5"
        with ThreadPoolExecutor() as terminals:
            for made in [terminals.submit(environment.make) for _ in range(2)]:
                made.result()
        assert environment.installs == 1

    def test_makes_a_real_environment_with_an_empty_home(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HOME", "")
        monkeypatch.setenv("PIP_USER", "1")
        (tmp_path / "requirements.lock").write_text("# nothing\n")
        environment = manage.Environment(tmp_path)
        environment.make()
        command = [str(environment.python), "-c", "import sys; print(sys.prefix)"]
        assert subprocess.check_output(command, text=True).strip() == str(environment.venv)


class TestSteps:
    def test_use_pip_from_outside_and_demand_hashes(self, environment: Quick) -> None:
        create, install = manage.Environment(environment.home).steps(None)
        assert create[1:4] == ["-m", "venv", "--without-pip"]
        assert install[install.index("--python") + 1] == str(environment.python)
        assert "--require-hashes" in install

    def test_use_uv_where_there_is_one(self, environment: Quick) -> None:
        create, install = manage.Environment(environment.home).steps("/opt/uv")
        assert create[:2] == ["/opt/uv", "venv"]
        assert install[:3] == ["/opt/uv", "pip", "sync"]
        assert "--require-hashes" in install


class TestEnter:
    @pytest.fixture(autouse=True)
    def _bare(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(manage.importlib.util, "find_spec", lambda name: None)
        monkeypatch.delenv(manage.REPEATED, raising=False)
        monkeypatch.setattr(sys, "argv", ["manage.py", "migrate", "a b"])

    @pytest.fixture
    def executed(self, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
        calls: list[list[str]] = []
        monkeypatch.setattr(os, "execv", lambda path, command: calls.append(command))
        return calls

    def test_starts_the_same_command_again_inside(
        self, environment: Quick, executed: list[list[str]]
    ) -> None:
        manage.enter(environment)
        manage_py = str(environment.home / "manage.py")
        assert executed == [[str(environment.python), manage_py, "migrate", "a b"]]

    def test_gives_up_rather_than_go_round_in_circles(
        self, environment: Quick, executed: list[list[str]]
    ) -> None:
        manage.enter(environment)
        with pytest.raises(SystemExit, match="not usable"):
            manage.enter(environment)

    def test_runs_where_the_dependencies_are_at_hand(
        self,
        environment: Quick,
        executed: list[list[str]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(manage.importlib.util, "find_spec", lambda name: object())
        manage.enter(environment)
        assert executed == []
        assert environment.installs == 0

    def test_says_what_is_missing_when_installing_fails(self, environment: Quick) -> None:
        with pytest.raises(SystemExit, match="needs a package index"):
            manage.enter(Broken(environment.home))


class TestNeedsServers:
    @pytest.mark.parametrize(
        "line", ["migrate", "shell", "onboard_tenant x", "check --database owner"]
    )
    def test_says_yes_to_commands_that_work(self, line: str) -> None:
        assert manage.needs_servers(line.split())

    @pytest.mark.parametrize(
        "line", ["", "help", "--version", "migrate --help", "up --check", "down", "check"]
    )
    def test_says_no_to_commands_that_only_talk(self, line: str) -> None:
        assert not manage.needs_servers(line.split())


class TestMain:
    def test_tells_an_old_python_in_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ast.parse((CHECKOUT / "manage.py").read_text(), feature_version=(3, 6))
        monkeypatch.setattr(sys, "version_info", (3, 10, 0))
        with pytest.raises(SystemExit, match=r"Python 3\.11 or newer is needed"):
            manage.main()

    def test_hands_every_option_of_test_to_pytest(self, monkeypatch: pytest.MonkeyPatch) -> None:
        calls: list[list[str]] = []

        def execv(path: str, command: list[str]) -> None:
            calls.append(command[1:])
            raise SystemExit

        monkeypatch.setattr(os, "execv", execv)
        monkeypatch.chdir(CHECKOUT)
        monkeypatch.setattr(sys, "argv", ["manage.py", "test", "-k", "a and b", "-x"])
        with pytest.raises(SystemExit):
            manage.main()
        assert calls == [["-m", "pytest", "-k", "a and b", "-x"]]
