#!/usr/bin/env python3
"""Django's manage.py, which first brings its own environment.

Where the dependencies are missing it makes .venv beside itself from requirements.lock and starts
again inside. `test` is pytest with its own options; other commands find the embedded servers
running. All of it must parse on Python 3.6, so that an old Python is told, not shown a traceback.
"""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
RARE = ("django", "django_rls", "unfold")  # a system-wide Django of another project is not ours
REPEATED = "AWOOOP_BOOTSTRAP"  # set across exec: an environment that does not take must not loop
PIP_TRAPS = ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "PYTHONHOME")
NEED_NO_SERVERS = {
    *("test", "up", "down", "check", "makemigrations", "startapp", "diffsettings"),
    *("collectstatic", "findstatic", "compilemessages", "makemessages", "spectacular"),
    "handbook",
}


class Environment:
    """The virtual environment beside a checkout, and the hashed lock it is made from."""

    def __init__(self, home: Path) -> None:
        """Name the files; nothing is touched."""
        self.home = home
        self.lock = home / "requirements.lock"
        self.venv = home / ".venv"
        self.python = self.venv / "bin" / "python"
        self.stamp = self.venv / ".awooop-lock"
        self.unfinished = self.venv / ".awooop-unfinished"

    def wanted(self) -> str:
        """The lock's fingerprint."""
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()

    def is_current(self) -> bool:
        """Whether the environment is whole and made from this very lock."""
        try:
            stamped = self.stamp.read_text()
        except OSError:
            return False
        whole = os.access(str(self.python), os.X_OK) and not self.unfinished.exists()
        return whole and stamped == self.wanted()

    def is_entered(self) -> bool:
        """Whether this process runs inside it."""
        return Path(sys.prefix).resolve() == self.venv.resolve()

    def make(self) -> None:
        """Create or bring up to date; one terminal works, the others wait for it."""
        with (self.home / ".venv.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                say("another terminal is installing the dependencies; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            if self.is_current():
                return
            say("installing the dependencies into .venv (once, less than a minute)")
            # A half-written package can look whole to pip: what was cut short is made anew.
            if self.unfinished.exists() or not os.access(str(self.python), os.X_OK):
                shutil.rmtree(str(self.venv), ignore_errors=True)
            uv = shutil.which("uv")
            try:
                self.install(uv, lock.fileno())
            except subprocess.CalledProcessError:
                if not uv:
                    raise
                say("uv could not; trying pip, which may know another index")
                shutil.rmtree(str(self.venv))
                self.install(None, lock.fileno())
            self.stamp.write_text(self.wanted())
            self.unfinished.unlink()

    def install(self, uv: "str | None", lock: int) -> None:
        """Run the steps; until the end, the environment is marked as unfinished."""
        self.venv.mkdir(exist_ok=True)
        self.unfinished.touch()
        for command in self.steps(uv):
            # The installer holds the lock too: killing us does not let a second one beside it.
            subprocess.run(command, check=True, stdout=2, env=clean_environ(), pass_fds=[lock])

    def steps(self, uv: "str | None") -> "list[list[str]]":
        """The commands that install: by uv where there is one, else by pip from outside."""
        base = getattr(sys, "_base_executable", "") or sys.executable
        python, lock, new = str(self.python), str(self.lock), not self.python.exists()
        if uv:
            create = [uv, "venv", "-q", "--allow-existing", "--python", base, str(self.venv)]
            sync = [uv, "pip", "sync", "-q", "--python", python, "--require-hashes", lock]
            return [create, sync] if new else [sync]
        # Debian keeps ensurepip in another package, so the pip outside installs into the inside.
        create = [base, "-m", "venv", "--without-pip", str(self.venv)]
        pip = [base, "-m", "pip", "--python", python, "install", "-qq", "--no-input"]
        pip += ["--disable-pip-version-check", "--no-warn-script-location"]
        install = [*pip, "--root-user-action=ignore", "--require-hashes", "-r", lock]
        return [create, install] if new else [install]


def say(line: str) -> None:
    """Tell the person at the terminal, out of the way of a command's own output."""
    print("awooop:", line, file=sys.stderr, flush=True)


def clean_environ() -> "dict[str, str]":
    """Our variables without those that turn an installer away from the place it is given."""
    kept = {name: value for name, value in os.environ.items() if name not in PIP_TRAPS}
    if not kept.get("HOME"):
        kept.pop("HOME", None)
    return kept


def enter(environment: Environment) -> None:
    """Return inside an environment that has the dependencies; may replace this process."""
    repeated = os.environ.pop(REPEATED, "")
    if environment.is_entered():
        if environment.is_current():
            return
    elif all(importlib.util.find_spec(name) for name in RARE):
        return
    if repeated == str(environment.venv):
        sys.exit(f"awooop: {environment.venv} is not usable; remove it and try again")
    if not environment.is_current():
        try:
            environment.make()
        except subprocess.CalledProcessError as error:
            say(f"installing the dependencies failed (exit {error.returncode})")
            sys.exit(
                "awooop: it needs a package index and uv, or pip 22.3 (apt install python3-pip)"
            )
        except OSError as error:
            sys.exit(f"awooop: installing the dependencies failed: {error}")
        except KeyboardInterrupt:
            sys.exit("awooop: interrupted; the next start begins again")
    os.environ[REPEATED] = str(environment.venv)
    python = str(environment.python)
    manage = str(environment.home / "manage.py")
    os.execv(python, [python, manage, *sys.argv[1:]])  # noqa: S606


def only_talks(arguments: "list[str]") -> bool:
    """Whether a command line merely asks for help or a version."""
    asked = {"help", "version", "--help", "-h", "--version"}
    return not arguments or arguments[0] in asked or bool({"--help", "-h"} & set(arguments))


def needs_servers(arguments: "list[str]") -> bool:
    """Whether a command line talks to the database."""
    if only_talks(arguments):
        return False
    return arguments[0] not in NEED_NO_SERVERS or "--database" in arguments


def prepare(arguments: "list[str]") -> None:
    """Before settings are read: the checkout's secret key, and its servers where needed."""
    from awooop import embedded

    stack = embedded.from_environment(HERE)
    own_key = os.environ.get("SECRET_KEY") or os.environ.get("SECRET_KEY_FILE")
    try:
        if "postgres" in stack.servers and not own_key and not only_talks(arguments):
            stack.ensure_secret_key()
        if needs_servers(arguments) and not stack.alive():
            say("starting the embedded servers: " + ", ".join(stack.servers))
            stack.up()
    except (embedded.EmbeddedError, OSError) as error:
        sys.exit(f"awooop: {error}")


def main() -> None:
    """Run one command line."""
    if sys.version_info < (3, 11):
        sys.exit(f"awooop: Python 3.11 or newer is needed; this is {sys.version.split()[0]}")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "awooop.settings")
    enter(Environment(HERE))
    arguments = sys.argv[1:]
    if arguments[:1] == ["test"]:
        os.chdir(str(HERE))
        pytest = [sys.executable, "-m", "pytest", *arguments[1:]]
        os.execv(sys.executable, pytest)  # noqa: S606
    prepare(arguments)
    from django.core.management import execute_from_command_line

    from awooop.kit.log import Discreet

    sys.stderr = Discreet(sys.stderr)
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
