"""The embedded servers: started once, found again after a crash, and gone when told to go."""

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from awooop import embedded
from awooop.embedded import postgres

CHECKOUT = Path(embedded.__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A checkout's directory with a space in its name, which any user may walk through."""
    path = Path(tempfile.mkdtemp(prefix="awooop check "))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[embedded.Stack]:
    stack = embedded.Stack(home, durable=False)
    stack.up()
    yield stack
    stack.down()
    remove(stack)


@pytest.fixture
def stack(running: embedded.Stack) -> embedded.Stack:
    """The servers, up, whatever the test before did to them."""
    running.up()
    return running


def remove(stack: embedded.Stack) -> None:
    shutil.rmtree(stack.run_dir, ignore_errors=True)
    if postgres.SYSTEM_DIR in stack.postgres.data.parents:
        shutil.rmtree(stack.postgres.data.parent)


def processes(stack: embedded.Stack) -> list[psutil.Process]:
    """All that works in a stack's data directories."""
    found = []
    for process in psutil.process_iter():
        try:
            if Path(process.cwd()) in (stack.postgres.data, stack.valkey.data):
                found.append(process)
        except psutil.Error:
            continue
    return found


def main_pid(stack: embedded.Stack, server: str) -> int:
    pid = stack.pids()[server]
    assert pid is not None
    return pid


def kill(stack: embedded.Stack, server: str) -> None:
    os.kill(main_pid(stack, server), signal.SIGKILL)
    deadline = time.monotonic() + 5
    while stack.pids()[server] is not None and time.monotonic() < deadline:
        time.sleep(0.01)


def ask(stack: embedded.Stack, question: str, role: str = "awooop_app") -> list[tuple[object, ...]]:
    with psycopg.connect(stack.database_url(role)) as connection:
        return connection.execute(question.encode()).fetchall()


class TestStack:
    def test_touches_nothing_when_made(self, tmp_path: Path) -> None:
        stack = embedded.Stack(tmp_path / "nowhere")
        assert stack.pg_dict("awooop_app")["HOST"] == stack.pg_host
        assert stack.broker_url.startswith("redis+socket:///")
        assert not stack.state_dir.exists()
        assert not stack.run_dir.exists()

    def test_loads_no_driver_when_imported(self) -> None:
        heavy = "{'psycopg', 'psutil', 'django'} & {*sys.modules}"
        code = f"import sys; from awooop import embedded; print({heavy})"
        said = subprocess.check_output([sys.executable, "-c", code], cwd=CHECKOUT, text=True)
        assert said.strip() == "set()"

    def test_gives_each_state_directory_its_own_short_socket(self, tmp_path: Path) -> None:
        deep = tmp_path / ("x" * 120)
        one, other = embedded.Stack(deep), embedded.Stack(deep, Path("elsewhere"))
        assert one.pg_host != other.pg_host
        assert len(f"{one.pg_host}/.s.PGSQL.5432") < 100


class TestFromEnvironment:
    @pytest.mark.parametrize(
        ("environ", "servers"),
        [
            ({}, ["postgres", "valkey"]),
            ({"DATABASE_URL": "postgres://db/x"}, ["valkey"]),
            ({"DATABASE_URL_FILE": "/run/secrets/db"}, ["valkey"]),
            ({"REDIS_URL": "redis://cache"}, ["postgres"]),
            ({"AWOOOP_EMBEDDED": "0"}, []),
        ],
    )
    def test_leaves_out_what_the_environment_replaces(
        self, tmp_path: Path, environ: dict[str, str], servers: list[str]
    ) -> None:
        assert list(embedded.from_environment(tmp_path, environ).servers) == servers


class TestUp:
    def test_serves_a_path_with_a_space(self, stack: embedded.Stack) -> None:
        assert " " in str(stack.state_dir)
        assert ask(stack, "SELECT current_user, current_database()") == [("awooop_app", "awooop")]
        assert redis.Redis.from_url(stack.redis_url).ping()

    def test_makes_roles_that_row_level_security_binds(self, stack: embedded.Stack) -> None:
        found = ask(
            stack,
            "SELECT rolname, rolcanlogin, rolinherit, rolcreatedb FROM pg_roles"
            " WHERE rolname LIKE 'awooop%' AND NOT rolsuper AND NOT rolbypassrls ORDER BY 1",
        )
        assert found == [
            ("awooop_app", True, False, False),
            ("awooop_operator", False, True, False),
            ("awooop_owner", True, True, True),
            ("awooop_worker", False, True, False),
        ]
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'awooop'"
        assert ask(stack, owner) == [("awooop_owner",)]

    def test_lets_the_app_become_a_worker_but_lends_it_nothing(self, stack: embedded.Stack) -> None:
        with psycopg.connect(stack.database_url("awooop_owner")) as connection:
            connection.execute("CREATE TABLE w (); GRANT SELECT ON w TO awooop_worker")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            ask(stack, "SELECT count(*) FROM w")
        with psycopg.connect(stack.database_url("awooop_app")) as connection:
            connection.execute("SET LOCAL ROLE awooop_worker")
            assert connection.execute("SELECT count(*) FROM w").fetchone() == (0,)

    def test_listens_on_no_port(self, stack: embedded.Stack) -> None:
        for process in processes(stack):
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend that had its day
                assert process.net_connections("inet") == []

    def test_keeps_others_out_of_its_directories(self, stack: embedded.Stack) -> None:
        for private in (Path(stack.pg_host), stack.valkey.data, stack.log_dir):
            assert stat.S_IMODE(private.stat().st_mode) == 0o700

    def test_changes_nothing_the_second_time(self, stack: embedded.Stack) -> None:
        before = stack.pids()
        stack.up()
        assert stack.pids() == before

    @pytest.mark.parametrize("server", ["postgres", "valkey"])
    def test_brings_back_a_server_that_was_killed(self, stack: embedded.Stack, server: str) -> None:
        kill(stack, server)
        assert stack.crashed() == [server]
        stack.up()
        assert stack.alive()
        assert stack.crashed() == []

    def test_starts_beside_a_pid_file_that_names_a_stranger(self, stack: embedded.Stack) -> None:
        kill(stack, "postgres")
        kill(stack, "valkey")
        for lock in (stack.postgres.data / "postmaster.pid", stack.valkey.data / "valkey.pid"):
            rest = lock.read_text().split("\n", 1)[1]
            lock.write_text(f"{os.getpid()}\n{rest}")
        stack.up()
        assert stack.alive()

    def test_replaces_a_server_whose_socket_was_swept_away(self, stack: embedded.Stack) -> None:
        before = main_pid(stack, "postgres")
        shutil.rmtree(stack.run_dir)
        stack.up()
        assert stack.alive()
        assert before not in {process.pid for process in processes(stack)}

    def test_starts_each_server_once_when_two_processes_ask(self, stack: embedded.Stack) -> None:
        stack.down()
        up = "embedded.Stack(sys.argv[1], durable=False).up()"
        code = f"import sys; from awooop import embedded; {up}"
        command = [sys.executable, "-c", code, str(stack.base)]
        both = [subprocess.Popen(command, cwd=CHECKOUT) for _ in range(2)]
        assert [each.wait(60) for each in both] == [0, 0]
        assert stack.alive()
        parents, working = set(), processes(stack)
        for process in working:
            with contextlib.suppress(psutil.NoSuchProcess):  # a backend that had its day
                parents.add(process.ppid())
        assert parents & {process.pid for process in working} == {main_pid(stack, "postgres")}

    def test_begins_again_after_an_initdb_cut_short(self, home: Path) -> None:
        stack = embedded.Stack(home, Path("cut"), durable=False, servers=("postgres",))
        stack.prepare()
        half = stack.postgres.data.with_name(f"{stack.postgres.data.name}.new")
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18\n")
        try:
            stack.up()
            assert stack.alive()
        finally:
            stack.down()
            remove(stack)

    def test_refuses_a_socket_directory_somebody_else_laid_out(self, home: Path) -> None:
        stack = embedded.Stack(home, Path("trap"), durable=False, servers=("valkey",))
        stack.run_dir.symlink_to(home)
        try:
            with pytest.raises(embedded.EmbeddedError, match="not a directory of this user"):
                stack.up()
        finally:
            stack.run_dir.unlink()


class TestDown:
    def test_leaves_no_process(self, stack: embedded.Stack) -> None:
        assert processes(stack)
        stack.down()
        assert processes(stack) == []
        assert stack.crashed() == []

    def test_keeps_what_was_stored(self, stack: embedded.Stack) -> None:
        redis.Redis.from_url(stack.redis_url).set("kept", "yes")
        stack.down()
        stack.up()
        assert redis.Redis.from_url(stack.redis_url).get("kept") == b"yes"

    def test_says_nothing_where_nothing_was_ever_started(self, tmp_path: Path) -> None:
        embedded.Stack(tmp_path / "never").down()
        assert not (tmp_path / "never").exists()


class TestStopValkey:
    def test_leaves_postgres_at_work(self, stack: embedded.Stack) -> None:
        stack.stop_valkey()
        assert not stack.valkey.alive()
        assert stack.postgres.alive()
        assert stack.crashed() == []  # it was asked to
        stack.start_valkey()
        assert stack.alive()


class TestStopPostgres:
    def test_leaves_valkey_at_work(self, stack: embedded.Stack) -> None:
        stack.stop_postgres()
        assert not stack.postgres.alive()
        assert stack.valkey.alive()
        stack.start_postgres()
        assert stack.alive()


class TestEnsureSecretKey:
    def test_makes_one_key_only_its_owner_reads(self, tmp_path: Path) -> None:
        stack = embedded.Stack(tmp_path)
        key = stack.ensure_secret_key()
        assert len(key) >= 50
        assert stack.ensure_secret_key() == key
        assert stat.S_IMODE(stack.secret_key_file.stat().st_mode) == 0o600
