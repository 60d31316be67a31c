"""The only ways to open a transaction, and the way to demand one.

Three rooms: :func:`tenant_tx` sees one tenant, :func:`operator_tx` reads the tenants an operator
may see, :func:`worker_tx` claims and reaps runs. Hot paths use the same rooms through :func:`pipe`,
which sends a whole transaction in one round trip; :func:`tenant_statement` is one that is whole.

Every setting and role is transaction-local, so a pooled connection can never carry one tenant's
context into the next piece of work.
"""

import select
from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader
from psycopg_pool import ConnectionPool

from awooop.kit import tenancy, waiting

P = ParamSpec("P")
R = TypeVar("R")

EVERYONE: Literal["*"] = "*"
Scope = Collection[str] | Literal["*"]

_AS_TENANT = "SELECT set_config('rls.tenant_id', %s, true)"
_AS_OPERATOR = (
    "SELECT set_config('role', 'awooop_operator', true), set_config('rls.operator_scope', %s, true)"
)
_WALLS = "WITH walls AS MATERIALIZED (SELECT set_config('rls.tenant_id', %s, true)) "
_AS_WORKER = "SELECT set_config('role', 'awooop_worker', true)"

# Hot statements are planned once: planning them for each call cost a third of their time.
# A plan made while a table was small must not read the whole table later.
_PLAN_ONCE = (
    ", set_config('plan_cache_mode', 'force_generic_plan', true), "
    "set_config('enable_seqscan', 'off', true)"
)
_PLAN_EACH = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"


class NotInTransaction(RuntimeError):
    """A verb that needs its caller's transaction was called bare."""


@contextmanager
def tenant_tx(project_id: str) -> Iterator[None]:
    """Open one transaction that can see and change one tenant.

    :raises RuntimeError: another transaction is open already.
    """
    with _atomic(), tenancy.acting_for(project_id):
        _execute(_AS_TENANT, [project_id])
        yield


@contextmanager
def operator_tx(scope: Scope) -> Iterator[None]:
    """Open one transaction that can read the tenants in ``scope`` and change none.

    :param scope: project ids, or :data:`EVERYONE` for a platform-wide role.
    """
    with _atomic():
        _execute(_AS_OPERATOR, [_scope_text(scope)])
        yield


@contextmanager
def worker_tx() -> Iterator[None]:
    """Open one transaction that can see every tenant's runs and nothing else of theirs."""
    with _atomic():
        _execute(_AS_WORKER, [])
        yield


@contextmanager
def global_tx() -> Iterator[None]:
    """Open one transaction over what belongs to no tenant: accounts, sessions, operator tokens."""
    with _atomic():
        yield


@contextmanager
def joined_tx() -> Iterator[None]:
    """Join the caller's transaction, or open one as :func:`global_tx` does where there is none.

    For what Django itself calls from both: saving an account, signing in.
    """
    if connections[DEFAULT_DB_ALIAS].in_atomic_block:
        yield
    else:
        with global_tx():
            yield


@contextmanager
def savepoint() -> Iterator[None]:
    """Undo what the block has written when it fails, and nothing else of the transaction.

    :raises NotInTransaction: none is open.
    """
    if not connections[DEFAULT_DB_ALIAS].in_atomic_block:
        raise NotInTransaction("a savepoint is one of a transaction")
    with transaction.atomic():
        yield


@contextmanager
def as_platform() -> Iterator[None]:
    """Write the platform's own rows for the block, inside any transaction; then its tenant's again.

    :raises NotInTransaction: none is open.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    if not connection.in_atomic_block:
        raise NotInTransaction("the platform's rows are written inside a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('rls.tenant_id', true)")
        before = cursor.fetchone()[0] or ""
    _execute(_AS_TENANT, [tenancy.PLATFORM])
    yield
    _execute(_AS_TENANT, [before])  # an error has aborted the transaction, setting and all


def in_tx(verb: Callable[P, R]) -> Callable[P, R]:
    """Mark a verb that must be called inside a transaction it does not own."""

    @wraps(verb)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        if not connections[DEFAULT_DB_ALIAS].in_atomic_block:
            raise NotInTransaction(f"{verb.__qualname__} needs an open transaction")
        return verb(*args, **kwargs)

    return guarded


class Fate:
    """Whether a transaction that went into a pipe was committed; known once the pipe has closed."""

    def __init__(self) -> None:
        self.end: psycopg.Cursor[Any] | None = None

    @property
    def committed(self) -> bool:
        # An aborted transaction answers COMMIT with ROLLBACK; one that was skipped, with nothing.
        return self.end is not None and self.end.statusmessage == "COMMIT"


class _Patient(psycopg.Pipeline):
    """A pipeline that sends nothing until an answer is asked for, and then all of it at once.

    psycopg sends each statement as it comes and lets other threads run in between: locks were held
    for as long as those took, and each statement cost two calls of the system.
    """

    _is_asked = False

    def _enqueue_sync(self) -> None:
        super()._enqueue_sync()
        self._is_asked = True

    def _communicate_gen(self) -> Generator[Any, Any, None]:
        if self._is_asked:
            self._is_asked = False
            yield from super()._communicate_gen()

    def _exit_gen(self) -> Generator[Any, Any, None]:
        """Raise what went wrong, not that the statements after it were skipped."""
        try:
            yield from super()._exit_gen()
        except psycopg.errors.PipelineAborted as skipped:
            if isinstance(skipped.__context__, psycopg.Error):
                raise skipped.__context__ from None
            raise

    def _fetch_gen(self, *, flush: bool) -> Generator[Any, Any, None]:
        if self.command_queue:
            yield from super()._communicate_gen()
        yield from super()._fetch_gen(flush=flush)


class Pipe:
    """Statements on their way to the server, and the transactions they belong to.

    Nothing waits until a result is fetched or the pipe closes. A result fetched after the pipe has
    closed costs no wait of its own.
    """

    def __init__(self, raw: psycopg.Connection[Any]) -> None:
        self._raw = raw

    def plan_each(self) -> None:
        """Plan the transaction's further statements for their parameters: lists with filters."""
        self.send(_PLAN_EACH)

    def send(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> psycopg.Cursor[Any]:
        """Queue a statement; fetching from the cursor waits for its result.

        Times come from psycopg's own loader: Django's, in Python, took half of a long read.
        """
        cursor = psycopg.Cursor(self._raw)
        cursor.adapters.register_loader("timestamptz", TimestamptzLoader)
        cursor.execute(sql, params, prepare=True)  # type: ignore[arg-type]
        return cursor

    def _say(self, sql: str, params: Sequence[Any] | None = None) -> psycopg.Cursor[Any]:
        """Queue what a transaction begins or ends with; nobody reads an answer of it."""
        return psycopg.Cursor(self._raw).execute(sql, params, prepare=True)  # type: ignore[arg-type]

    @contextmanager
    def tenant_tx(self, project_id: str) -> Iterator[Fate]:
        """As :func:`awooop.kit.db.tenant_tx`, without waiting."""
        entrance = self._tx(_AS_TENANT + _PLAN_ONCE, [project_id])
        with tenancy.acting_for(project_id), entrance as fate:
            yield fate

    @contextmanager
    def operator_tx(self, scope: Scope) -> Iterator[None]:
        """As :func:`awooop.kit.db.operator_tx`, without waiting."""
        with self._tx(_AS_OPERATOR + _PLAN_ONCE, [_scope_text(scope)]):
            yield

    @contextmanager
    def worker_tx(self) -> Iterator[None]:
        """As :func:`awooop.kit.db.worker_tx`, without waiting."""
        with self._tx(_AS_WORKER + _PLAN_ONCE, []):
            yield

    @contextmanager
    def _tx(self, entrance: str, params: list[Any]) -> Iterator[Fate]:
        fate = Fate()
        self._say("BEGIN")
        self._say(entrance, params or None)
        yield fate
        fate.end = self._say("COMMIT")


@contextmanager
def pipe() -> Iterator[Pipe]:
    """Open one pipeline on this thread's connection.

    An error leaves no transaction open: what had not committed is rolled back.

    :raises RuntimeError: a transaction is open already.
    :raises psycopg.Error: the first statement that failed; those after it did not run.
    """
    with _lent() as raw:
        try:
            raw._pipeline = _Patient(raw)
            with raw.pipeline():
                yield Pipe(raw)
        finally:
            if not raw.closed and raw.info.transaction_status != TransactionStatus.IDLE:
                raw.rollback()


def tenant_statement(project_id: str, sql: str, params: Sequence[Any]) -> None:
    """Do one statement that is a whole transaction of one tenant: half the time of a pipe of four.

    :param sql: reads from ``walls`` beside whatever else it reads from; that names the tenant
        before any row is judged. One that forgets it sees and writes nothing.
    :raises RuntimeError: a transaction is open already.
    :raises psycopg.Error: it failed; nothing was written.
    """
    with _lent() as raw, tenancy.acting_for(project_id):
        psycopg.Cursor(raw).execute(_WALLS + sql, [project_id, *params], prepare=True)  # type: ignore[arg-type]


@contextmanager
def _lent() -> Iterator[psycopg.Connection[Any]]:
    """Give this thread's connection; a thread that has none borrows one where there is a pool.

    Borrowed by us it costs a third of what it costs through Django, which prepares it for more
    than a pipe needs.
    """
    waiting.ahead()
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.in_atomic_block:
        raise RuntimeError("a pipe opens its own transactions; one is open already")
    pool: ConnectionPool[Any] | None = None
    if connection.connection is None:
        pool = getattr(connection, "pool", None)
    if pool is not None:
        if pool._check is not _look:
            pool._check = _look
            pool.open()
        raw = pool.getconn()
        try:
            yield raw
        finally:
            pool.putconn(raw)
        return
    connection.ensure_connection()
    raw = connection.connection
    try:
        yield raw
    finally:
        if raw.closed:
            connection.close()


def _look(raw: psycopg.Connection[Any]) -> None:
    """Ask a pooled connection whether it lives only when the server has said something unasked.

    :raises psycopg.Error: it does not.
    """
    poll = select.poll()
    poll.register(raw.pgconn.socket, select.POLLIN)
    if poll.poll(0):
        ConnectionPool.check_connection(raw)


@contextmanager
def _atomic() -> Iterator[None]:
    waiting.ahead()
    with transaction.atomic(durable=True):
        yield


def _execute(sql: str, params: list[Any]) -> None:
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        cursor.execute(sql, params)


def _scope_text(scope: Scope) -> str:
    return scope if isinstance(scope, str) else ",".join(sorted(scope))
