"""What became of each picture, and what that means for the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import PartialError, UgatitError
from .plan import Job, Kind


@dataclass(frozen=True)
class Failure:
    """A picture that could not be translated; the run went on."""

    path: Path
    error: UgatitError


@dataclass(frozen=True)
class Written:
    """A picture or a film that was translated.

    Attributes:
        files: what was written; empty where `data` holds the file for standard output.
        notes: what the user should know about the reading, a plain sentence each.
        seconds: reading, its share of the translating, and writing.
        details: what else a report tells about it.
        shortfall: why it is not all of its source; None if it is.
    """

    job: Job
    files: Mapping[Kind, Path]
    notes: tuple[str, ...]
    seconds: float
    data: bytes | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    shortfall: PartialError | None = None


Outcome = Written | Failure


@dataclass
class Tally:
    """Counts of a run, and the error that they add up to."""

    written: int = 0
    planned: int = 0  # would be written, but for a dry run
    skipped: int = 0
    failed: int = 0
    _shortfall: PartialError | None = None
    _first: UgatitError | None = None
    _one_reason: bool = True
    _one_hint: bool = True

    def add(self, outcome: Outcome) -> None:
        if isinstance(outcome, Written):
            self.written += 1
            self._shortfall = self._shortfall or outcome.shortfall
            return
        self.failed += 1
        self._first = self._first or outcome.error
        self._one_reason = self._one_reason and outcome.error.exit_code == self._first.exit_code
        self._one_hint = self._one_hint and outcome.error.hint == self._first.hint

    def error(self) -> UgatitError | None:
        """None if nothing failed or falls short; a lone picture's own error; the one reason why all failed; else a PartialError."""
        total = self.written + self.planned + self.skipped + self.failed
        if self._first is None:
            return self._shortfall
        if total == 1:
            return self._first
        all_failed = self.failed == total
        kind = type(self._first) if all_failed and self._one_reason else PartialError
        hint = self._first.hint if self._one_hint else ""
        name = "all-failed" if all_failed else "some-failed"
        return kind(f"{self.failed} of {total} pictures failed", hint=hint, name=name)
