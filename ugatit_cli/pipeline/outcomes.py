"""What became of each picture, and what that means for the whole run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import Failures, PartialError, UgatitError
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
    _failures: Failures = field(default_factory=Failures)
    _shortfall: PartialError | None = None

    @property
    def failed(self) -> int:
        return self._failures.count

    def add(self, outcome: Outcome) -> None:
        if isinstance(outcome, Written):
            self.written += 1
            self._shortfall = self._shortfall or outcome.shortfall
            return
        self._failures.add(outcome.error)

    def error(self) -> UgatitError | None:
        """None if nothing failed or falls short; a lone picture's own error; the one reason why all failed; else a PartialError."""
        total = self.written + self.planned + self.skipped + self.failed
        return self._failures.error(total, "pictures") or self._shortfall
