"""Contracts as a folder: ``FAMILY/CONTRACT_ID.yaml`` (or ``.json``), each file one body."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contracts import bodies
from contracts.models import Family

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
_SUFFIXES = (".yaml", ".yml", ".json")
_LARGEST = 1_000_000  # bytes of a file
_MOST = 2_000  # files
# Gateways before the agents that use their tools; the policy, which may want signers, at last.
ORDER = (
    Family.PROJECT,
    Family.MCP_GATEWAY,
    Family.CHANNEL_EVENT,
    Family.RUNTIME_RUN_STATE,
    Family.AGENT,
    Family.POLICY,
)


@dataclass(frozen=True, slots=True)
class Document:
    """One file of the folder."""

    path: Path
    family: Family
    contract_id: str
    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a file, and where in it: a JSON Pointer, or empty for all of it."""

    path: Path
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}{'#' + self.field if self.field else ''}: {self.message}"


class _Loader(yaml.SafeLoader):
    """YAML as JSON has it: no dates, no aliases, no name twice."""

    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith(":timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse aliases: a small file could stand for a huge body."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not taken")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Refuse a name that stands twice."""
        names = [self.construct_object(name, deep=True) for name, _ in node.value]
        if len(names) != len(set(map(repr, names))):
            raise yaml.YAMLError("a name stands twice in one mapping")
        return super().construct_mapping(node, deep)


def read(folder: Path) -> tuple[list[Document], list[Fault]]:
    """Return the documents of a folder in the order to apply them, and everything wrong with it."""
    found: list[Document] = []
    faults: list[Fault] = []
    if not folder.is_dir():
        return [], [Fault(folder, "", "is no folder")]
    paths = sorted(path for path in folder.rglob("*") if path.suffix in _SUFFIXES)
    if not paths:
        return [], [Fault(folder, "", "holds no contract: FAMILY/CONTRACT_ID.yaml")]
    if len(paths) > _MOST:
        return [], [Fault(folder, "", f"holds more than {_MOST} files")]
    for path in paths:
        document, wrong = _document(path, path.relative_to(folder))
        faults += wrong
        if document is not None:
            found.append(document)
    faults += _twice(found)
    found.sort(key=lambda each: (ORDER.index(each.family), each.contract_id))
    return found, faults


def write(folder: Path, documents: list[Document]) -> None:
    """Write bodies as YAML, each where :func:`read` finds it."""
    for document in documents:
        path = folder / document.family.value / f"{document.contract_id}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(document.body, sort_keys=False, allow_unicode=True))


def _document(path: Path, place: Path) -> tuple[Document | None, list[Fault]]:
    family, contract_id = place.parent.as_posix(), path.stem
    if family not in Family.values:
        known = ", ".join(Family.values)
        return None, [Fault(path, "", f"must lie in a folder named for its family: {known}")]
    if not _ID.fullmatch(contract_id):
        return None, [Fault(path, "", "its name cannot be a contract's id")]
    try:
        if path.stat().st_size > _LARGEST:
            return None, [Fault(path, "", f"is larger than {_LARGEST} bytes")]
        text = path.read_text(encoding="utf-8")
        body = json.loads(text) if path.suffix == ".json" else yaml.load(text, _Loader)  # noqa: S506
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as reason:
        told = " ".join(str(reason).split())[:300]
        return None, [Fault(path, "", f"cannot be read: {told}")]
    if not isinstance(body, dict):
        return None, [Fault(path, "", "must be a mapping of names to values")]
    wrong = [Fault(path, fault.field, fault.message) for fault in bodies.faults(family, body)]
    return Document(path, Family(family), contract_id, body), wrong


def _twice(found: list[Document]) -> Iterator[Fault]:
    seen: dict[tuple[str, str], Path] = {}
    for document in found:
        first = seen.setdefault((document.family, document.contract_id), document.path)
        if first != document.path:
            yield Fault(document.path, "", f"is the same contract as {first}")
