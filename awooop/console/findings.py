"""What a check found: where, what is wrong, and how to mend it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is not as it must be."""

    code: str
    where: str
    what: str
    mend: str


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked, and its answers: no finding means it holds."""

    title: str
    findings: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Every check of one examination."""

    checks: tuple[Check, ...] = field(default=())

    @property
    def findings(self) -> list[Finding]:
        """What must be mended, each once."""
        return _once(finding for check in self.checks for finding in check.findings)

    @property
    def warnings(self) -> list[Finding]:
        """What is worth knowing, each once."""
        return _once(warning for check in self.checks for warning in check.warnings)

    @property
    def ok(self) -> bool:
        return not self.findings

    def told(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {
            "ok": self.ok,
            "findings": [asdict(finding) for finding in self.findings],
            "warnings": [asdict(warning) for warning in self.warnings],
        }

    def lines(self) -> list[str]:
        """Return it for a person: one line per check, and below it what to mend."""
        told: list[str] = []
        for check in self.checks:
            told.append(f"{'✗' if check.findings else '✓'} {check.title}")
            told += [_line("✗", finding) for finding in check.findings]
            told += [_line("!", warning) for warning in check.warnings]
        told.append(f"{len(self.findings)} findings, {len(self.warnings)} warnings")
        return told


def _line(mark: str, finding: Finding) -> str:
    return f"  {mark} {finding.where}: {finding.what} → {finding.mend}"


def _once(found: Iterable[Finding]) -> list[Finding]:
    return sorted(set(found))
