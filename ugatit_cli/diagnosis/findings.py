"""What was found out: whether it is right, and what to do if it is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from ..errors import ExitCode

Status = Literal["ok", "note", "problem"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        name: the stable identifier that scripts look for, such as `cache-folder`.
        status: a `note` is worth knowing and breaks nothing.
        text: one line.
        remedy: a command or an option; "" where there is nothing to mend.
        exit_code: what a problem ends the program with.
        facts: the same for scripts.
        details: lines for those who want to know more, such as what a library said.
    """

    name: str
    status: Status
    text: str
    remedy: str = ""
    exit_code: ExitCode = ExitCode.OK
    facts: Mapping[str, Any] = field(default_factory=dict)
    details: tuple[str, ...] = ()

    def with_details(self, details: tuple[str, ...]) -> Finding:
        return replace(self, details=details)


@dataclass(frozen=True)
class Section:
    """Findings that belong together, and how long it took to find them out."""

    name: str
    findings: tuple[Finding, ...]
    seconds: float


def ok(name: str, text: str, /, **facts: Any) -> Finding:
    return Finding(name, "ok", text, facts=facts)


def note(name: str, text: str, remedy: str = "", /, **facts: Any) -> Finding:
    return Finding(name, "note", text, remedy, facts=facts)


def problem(name: str, text: str, remedy: str, exit_code: ExitCode, /, **facts: Any) -> Finding:
    return Finding(name, "problem", text, remedy, exit_code, facts)


def in_words(count: int) -> str:
    """Bytes in the unit that people read: 2.4 GB, 310 MB, 12 KB."""
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if count >= size:
            return f"{count / size:.1f} {unit}" if count < 10 * size else f"{count / size:.0f} {unit}"
    return f"{count} bytes"
