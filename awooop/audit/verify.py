"""Does a chain hold? One walk over its links and checkpoints, wherever they come from."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from awooop.audit.chain import GENESIS, Link
from awooop.audit.checkpoints import Checkpoint
from awooop.audit.signatures import Trusted
from awooop.kit import canonical


class Kind(StrEnum):
    """What is wrong with the first bad row."""

    ALTERED = "altered"
    MOVED = "moved from another chain"
    MISSING = "missing"
    FORKED = "there twice"
    MISPLACED = "does not follow the row before it"
    REHASHED = "has a hash that is not its own"
    CUT = "cut off"
    REWRITTEN = "not what was sealed"
    CHECKPOINT = "checkpoint not genuine"
    CHECKPOINT_MISSING = "checkpoint missing"
    NO_CHAIN = "no chain at all"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first bad place of a chain.

    :param seq: of the row; for a checkpoint, of the last row it seals.
    """

    project_id: str
    seq: int
    kind: Kind
    detail: str

    def __str__(self) -> str:
        return f"{self.project_id} row {self.seq}: {self.kind.value}; {self.detail}"


@dataclass(frozen=True, slots=True)
class Start:
    """Where a walk begins: after this row. The default is the beginning of a chain."""

    seq: int = 0
    hash: str = GENESIS
    checkpoint: int = 0
    checkpoint_digest: str = GENESIS


@dataclass(frozen=True, slots=True)
class Report:
    """What a walk found. ``sealed`` is the last row that a genuine checkpoint covers."""

    project_id: str
    rows: int
    checkpoints: int
    last: Start
    sealed: int
    fault: Fault | None = None


class Broken(Exception):
    """What ends a walk early; the source of its links may raise it too."""

    def __init__(self, kind: Kind, seq: int, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.seq, self.detail = kind, seq, detail

    def fault(self, project_id: str) -> Fault:
        """Return it as a finding."""
        return Fault(project_id, self.seq, self.kind, self.detail)


class Walk:
    """A walk over one chain, row by row; keeps where it stands."""

    def __init__(
        self,
        project_id: str,
        checkpoints: Iterable[Checkpoint],
        keys: Trusted,
        *,
        start: Start | None = None,
        anchors: Iterable[Checkpoint] = (),
        others: Iterable[str] = (),
    ) -> None:
        """:param anchors: genuine checkpoints that were kept elsewhere.
        :param others: projects a row may have been moved from.
        """
        self._project_id, self._keys, self._others = project_id, keys, tuple(others)
        start = start or Start()
        self._first, self._seq, self._hash = start.seq, start.seq, start.hash
        self._number, self._digest = start.checkpoint, start.checkpoint_digest
        self._sealed, self._genuine = start.seq, 0
        self._anchors = {anchor.seq: anchor.hash for anchor in anchors}
        self._waiting = iter(checkpoints)
        self._next: Checkpoint | None = None

    def over(self, links: Iterable[Link], *, ends_at: tuple[int, str] | None = None) -> Report:
        """Walk to the end of the links and return what was found.

        :param ends_at: the seq and hash at which the chain says it ends.
        """
        fault = None
        try:
            self._advance()
            for link in links:
                self._step(link)
            self._end(ends_at)
        except Broken as broken:
            fault = broken.fault(self._project_id)
        return Report(
            project_id=self._project_id,
            rows=self._seq - self._first,
            checkpoints=self._genuine,
            last=Start(self._seq, self._hash, self._number, self._digest),
            sealed=self._sealed,
            fault=fault,
        )

    def _step(self, link: Link) -> None:
        if link.seq <= self._seq:
            raise Broken(Kind.FORKED, link.seq, "the chain has another row of this number")
        if link.seq > self._seq + 1:
            missing = self._seq + 1
            raise Broken(Kind.MISSING, missing, f"rows {missing} to {link.seq - 1} are gone")
        self._judge(link)
        if self._anchors.get(link.seq, link.hash) != link.hash:
            raise Broken(Kind.REWRITTEN, link.seq, "an anchor kept elsewhere has another hash")
        self._seq, self._hash = link.seq, link.hash
        while self._next is not None and self._next.seq == link.seq:
            self._seal(self._next)
            self._advance()

    def _judge(self, link: Link) -> None:
        if link.event.project_id != self._project_id or not _is_content(link):
            origin = link.event.project_id if _is_content(link) else self._origin(link)
            if origin:
                raise Broken(Kind.MOVED, link.seq, f"it was written in the chain of {origin}")
            raise Broken(Kind.ALTERED, link.seq, "its content is not what was written")
        if link.prev_hash != self._hash:
            raise Broken(Kind.MISPLACED, link.seq, f"row {self._seq} has another hash")
        if link.hash != link.sum():
            raise Broken(Kind.REHASHED, link.seq, "its hash, number or time was changed")

    def _origin(self, link: Link) -> str:
        for other in self._others:
            if other != self._project_id and _is_content(link, project_id=other):
                return other
        return ""

    def _seal(self, checkpoint: Checkpoint) -> None:
        if checkpoint.hash != self._hash:
            what = f"checkpoint {checkpoint.number} sealed another row"
            raise Broken(Kind.REWRITTEN, checkpoint.seq, what)
        self._number, self._digest = checkpoint.number, checkpoint.digest()
        self._sealed, self._genuine = checkpoint.seq, self._genuine + 1

    def _advance(self) -> None:
        """Take up the next checkpoint, which must be genuine and follow the one before."""
        before, self._next = self._next, next(self._waiting, None)
        coming = self._next
        if coming is None:
            return
        if coming.number > self._number + 1:
            what = f"checkpoints {self._number + 1} to {coming.number - 1} are gone"
            raise Broken(Kind.CHECKPOINT_MISSING, coming.seq, what)
        follows = coming.number == self._number + 1 and coming.previous == self._digest
        grows = coming.seq > (before.seq if before else self._sealed)
        mine = coming.project_id == self._project_id
        if not (mine and follows and grows and coming.is_signed(self._keys)):
            what = f"number {coming.number}, key {coming.key_id}: not signed by a key we believe"
            if mine and coming.is_signed(self._keys):
                what = f"number {coming.number} does not follow the checkpoint before it"
            raise Broken(Kind.CHECKPOINT, coming.seq, what)

    def _end(self, ends_at: tuple[int, str] | None) -> None:
        if self._next is not None:
            what = f"checkpoint {self._next.number} sealed row {self._next.seq}"
            raise Broken(Kind.CUT, self._seq + 1, what)
        if (anchored := max(self._anchors, default=0)) > self._seq:
            raise Broken(Kind.CUT, self._seq + 1, f"an anchor kept elsewhere is of row {anchored}")
        if ends_at is None or ends_at == (self._seq, self._hash):
            return
        if ends_at[0] > self._seq:
            raise Broken(Kind.CUT, self._seq + 1, f"the chain ended at row {ends_at[0]}")
        raise Broken(Kind.REWRITTEN, self._seq, f"the chain ended at row {ends_at[0]}")


def _is_content(link: Link, *, project_id: str | None = None) -> bool:
    event = replace(link.event, project_id=project_id) if project_id else link.event
    try:
        return event.content_sha256() == link.content_sha256
    except canonical.NotCanonical:
        return False
