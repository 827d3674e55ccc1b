"""Every error a user may meet: one plain sentence, one hint, one exit code, one stable name.

Raised anywhere in the package, rendered once, in `cli.py`. The numbers are part of the program's
interface: scripts branch on them, `ugatit --help` prints them, and tests hold them still.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process ends with; a signal n adds 128 (130 INT, 141 PIPE, 143 TERM)."""

    OK = 0
    BUG = 1
    USAGE = 2
    PARTIAL = 3
    BAD_INPUT = 4
    BAD_MODEL = 5
    REFUSED = 6
    NETWORK = 7
    RESOURCES = 8
    DEVICE = 9
    OUTPUT = 10
    DIVERGED = 11


class UgatitError(Exception):
    """Something the user can understand and, most often, mend.

    `message` says what happened to which file, in plain words; `hint` (optional) what to do about
    it; `name` is the stable identifier that JSON reports carry (`image-truncated`).
    """

    exit_code = ExitCode.BUG

    def __init__(self, message: str, *, hint: str = "", name: str = "error") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.name = name

    def as_dict(self) -> dict[str, str | int]:
        """For JSON."""
        return {"name": self.name, "message": self.message, "hint": self.hint, "exit_code": int(self.exit_code)}


class UsageError(UgatitError):
    """Wrong options, a missing path, something that would be overwritten. Nothing was changed."""

    exit_code = ExitCode.USAGE


class PartialError(UgatitError):
    """Some items are done and some failed; the report lists both."""

    exit_code = ExitCode.PARTIAL


class BadInputError(UgatitError):
    """The picture, video or data set cannot be used."""

    exit_code = ExitCode.BAD_INPUT


class BadModelError(UgatitError):
    """The model file is damaged or does not fit."""

    exit_code = ExitCode.BAD_MODEL


class RefusedError(UgatitError):
    """The file would run code, leave its folder, break a limit or fail its checksum."""

    exit_code = ExitCode.REFUSED


class NetworkError(UgatitError):
    """The Hub could not deliver."""

    exit_code = ExitCode.NETWORK


class ResourceError(UgatitError):
    """Disk, memory or time ran out."""

    exit_code = ExitCode.RESOURCES


class DeviceError(UgatitError):
    """The device or backend asked for is not there."""

    exit_code = ExitCode.DEVICE


class OutputError(UgatitError):
    """The target cannot be written, or another run holds it."""

    exit_code = ExitCode.OUTPUT


class DivergedError(UgatitError):
    """Training became non-finite; the last good checkpoint is kept."""

    exit_code = ExitCode.DIVERGED


@dataclass
class Failures:
    """Of a run over many items: how many failed, and the error that they add up to.

    Only the first is kept: an error holds on to all that its traceback saw.
    """

    count: int = 0
    _first: UgatitError | None = None
    _one_reason: bool = True
    _one_hint: bool = True

    def add(self, error: UgatitError) -> None:
        self.count += 1
        self._first = self._first or error
        self._one_reason = self._one_reason and error.exit_code == self._first.exit_code
        self._one_hint = self._one_hint and error.hint == self._first.hint

    def error(self, total: int, items: str) -> UgatitError | None:
        """None without any; a lone item's own error; the one reason why all of `total` failed; else a PartialError."""
        if self._first is None or total == 1:
            return self._first
        all_failed = self.count == total
        kind = type(self._first) if all_failed and self._one_reason else PartialError
        hint = self._first.hint if self._one_hint else ""
        name = "all-failed" if all_failed else "some-failed"
        return kind(f"{self.count} of {total} {items} failed", hint=hint, name=name)
