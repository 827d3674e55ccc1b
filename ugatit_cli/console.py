"""The only module that prints: results on standard output, everything for people on standard error."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from enum import IntEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from .errors import UgatitError
from .files import write_error
from .progress import FilmLines, Lines, TransferLines, bar_of, film_bar, transfer_bar, update

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress
    from rich.text import Text

NOISE_BYTES = 2**16  # of what libraries said, the end is shown

# Control characters, line separators, marks that reverse the direction of text, and bytes that are no text:
# a file's name must not be able to clear the screen, hide its ending or add a line.
_DANGEROUS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_DANGEROUS_IN_DATA = re.compile(_DANGEROUS.pattern.replace("\ud800-\udfff", ""))


class Verbosity(IntEnum):
    QUIET = 0  # errors only
    NORMAL = 1
    VERBOSE = 2


def escape(text: str) -> str:
    """`text` as one harmless line."""
    return _DANGEROUS.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match.group())
    if 0xDC80 <= code <= 0xDCFF:  # how Python carries a byte that is not UTF-8
        code -= 0xDC00
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


class Console:
    """Where one run of the program speaks."""

    def __init__(self, verbosity: Verbosity = Verbosity.NORMAL) -> None:
        self.verbosity = verbosity
        self._rich: RichConsole | None = None  # made when the first line is to be said: it takes time to load
        self._stream: TextIO | None = None  # where it speaks, if not to sys.stderr
        self._bar: Progress | None = None

    # ------------------------------------------------------------------------------------------ for people

    def error(self, error: UgatitError) -> None:
        """One `error:` line, and at most one `hint:` line."""
        self._say("error", "bold red", error.message)
        if error.hint:
            self._say("hint", "cyan", error.hint)

    def failure(self, error: UgatitError) -> None:
        """One item of many."""
        self._say("failed", "red", error.message)

    def warning(self, text: str) -> None:
        if self.verbosity >= Verbosity.NORMAL:
            self._say("warning", "yellow", text)

    def note(self, text: str) -> None:
        if self.verbosity >= Verbosity.NORMAL:
            self._print(escape(text))

    def detail(self, text: str) -> None:
        if self.verbosity >= Verbosity.VERBOSE:
            self._print(escape(text))

    def page(self, text: str) -> None:
        """Text of several lines."""
        for line in text.splitlines():
            self._print(escape(line))

    def _say(self, label: str, style: str, text: str) -> None:
        from rich.text import Text

        self._print(Text.assemble((f"{label}:", style), " ", escape(text)))

    def _print(self, text: str | Text) -> None:
        # a line broken at the width of a terminal could no longer be found with grep, or pasted
        self._stderr.print(text, soft_wrap=True, markup=False, highlight=False, emoji=False)

    @property
    def _stderr(self) -> RichConsole:
        if self._rich is None:
            self._rich = _rich_console(self._stream or sys.stderr)
        return self._rich

    # -------------------------------------------------------------------------------------------- results

    def result(self, path: Path) -> None:
        """A path that was written, one a line; control characters escaped, bytes that are not UTF-8 as they are."""
        self.write(os.fsencode(_DANGEROUS_IN_DATA.sub(_escaped, str(path))) + b"\n")

    def write(self, data: bytes) -> None:
        """Raises BrokenPipeError when nobody reads any more, OutputError or ResourceError when it cannot be written."""
        if sys.stdout is None:  # closed by whoever started the program
            return
        with self._bar_put_aside():
            self._write_through(data)

    def _write_through(self, data: bytes) -> None:
        # past the buffer: what fails there would be tried again, and fail again, when Python ends
        stream = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[stream.write(rest) or 0 :]
        except BrokenPipeError:
            raise
        except OSError as error:
            if sys.platform == "win32" and error.errno == errno.EINVAL:  # a broken pipe, in the words of Windows
                raise BrokenPipeError from error
            raise write_error(Path("standard output"), error) from error

    # ------------------------------------------------------------------------------------------- progress

    @contextmanager
    def progress(self, total: int, done: int = 0) -> Iterator[Callable[[], None]]:
        """Gives a function to call after each item; a bar on a terminal, now and then a line elsewhere.

        `done` of `total` were done before this run; nothing is shown where one or none is left.
        """
        if self.verbosity == Verbosity.QUIET or total - done < 2:
            yield lambda: None
        elif self._stderr.is_terminal:
            with self._shown(bar_of(self._stderr)) as bar:
                task = bar.add_task("", total=total, completed=done)
                yield lambda: bar.advance(task)
        else:
            yield Lines(total, done, self.note)

    @contextmanager
    def transfer(self, name: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
        """Gives a function to call with the bytes of a download that came, or went; `done` of `total` are there already."""
        if self.verbosity == Verbosity.QUIET:
            yield lambda count: None
        elif self._stderr.is_terminal:
            with transfer_bar(self._stderr) as bar:
                task = bar.add_task(escape(name), total=total or None, completed=done)
                yield lambda count: bar.advance(task, count)
        else:
            lines = TransferLines(name, total, done, self.note)
            yield lines
            lines.end()

    @contextmanager
    def film_progress(self, total: int | None, done: int, rate: float) -> Iterator[Callable[[int], None]]:
        """Gives a function to tell how many frames are done.

        `total` is None where nobody knows; `done` were done before this run; `rate` is how many a second are shown.
        """
        if self.verbosity == Verbosity.QUIET:
            yield lambda count: None
        elif self._stderr.is_terminal:
            with self._shown(film_bar(self._stderr, rate)) as bar:
                bar.add_task("", total=total, completed=done)
                yield lambda count: update(bar, total, count)
        else:
            yield FilmLines(total, done, rate, self.note)

    @contextmanager
    def _shown(self, bar: Progress) -> Iterator[Progress]:
        self._bar = bar
        try:
            with bar:
                yield bar
        finally:
            self._bar = None

    @contextmanager
    def _bar_put_aside(self) -> Iterator[None]:
        """So that results, where they appear on the same terminal, have a line of their own."""
        if self._bar is None or not sys.stdout.isatty():
            yield
            return
        self._bar.stop()
        try:
            yield
        finally:
            self._bar.start()

    # ---------------------------------------------------------------------------------- noise of libraries

    @contextmanager
    def captured_noise(self) -> Iterator[None]:
        """Keep what libraries write to standard error out of sight; with `-v` it is shown at the end.

        That goes for the lines that C code writes to the file descriptor, too. Where there is no place for a file to keep
        them in, they are seen.
        """
        hides = not os.environ.get("UGATIT_DEBUG") and _is_descriptor(sys.stderr, 2)
        noise = _temporary_file() if hides else None
        if noise is None:
            yield
            return
        kept, before, ours = self._rich, sys.stderr, os.dup(2)
        with noise, open(ours, "w", encoding=before.encoding, errors="replace") as real:
            before.flush()
            self._rich, self._stream = None, real
            os.dup2(noise.fileno(), 2)
            # what Python writes goes there by a stream of its own: that of a Windows console can write to no file
            sys.stderr = _text_into(noise)
            try:
                yield
            finally:
                sys.stderr.flush()
                sys.stderr = before
                os.dup2(ours, 2)
                self._rich, self._stream = kept, None
                self._show_noise(noise)

    def _show_noise(self, noise: IO[bytes]) -> None:
        if self.verbosity < Verbosity.VERBOSE:
            return
        noise.seek(max(0, noise.seek(0, os.SEEK_END) - NOISE_BYTES))
        for line in noise.read().decode(errors="surrogateescape").splitlines():
            self.detail(f"library: {line}")


class JsonDocument:
    """One JSON object on standard output, written piece by piece, so that a long list of items need not be kept.

    Names that are not UTF-8 come out as lone surrogates (`\\udcff` for the byte 255), as `os.fsencode` expects them.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._separator: str | None = None

    @property
    def begun(self) -> bool:
        return self._separator is not None

    def begin(self, **facts: Any) -> None:
        """What is known before the items."""
        self._write("{" + "".join(f"{_field(name, value)},\n" for name, value in facts.items()) + '"items": [')
        self._separator = "\n"

    def item(self, facts: dict[str, Any]) -> None:
        self._write(f"{self._separator}{json.dumps(facts)}")
        self._separator = ",\n"

    def end(self, **facts: Any) -> None:
        """What became of the run; the object is whole then, however early that is."""
        if not self.begun:
            self.begin()
        self._write("],\n" + ",\n".join(_field(name, value) for name, value in facts.items()) + "}\n")

    def _write(self, text: str) -> None:
        self._console.write(text.encode("ascii"))


def _field(name: str, value: object) -> str:
    return f"{json.dumps(name)}: {json.dumps(value)}"


def _rich_console(file: TextIO | None) -> RichConsole:
    from rich.console import Console as RichConsole

    return RichConsole(file=file or open(os.devnull, "w"))  # noqa: SIM115 - lives as long as the process


def _temporary_file() -> IO[bytes] | None:
    """None where none can be made, as on a disk that is full or can only be read."""
    with suppress(OSError):
        return tempfile.TemporaryFile()
    return None


def _text_into(file: IO[bytes]) -> TextIO:
    kept = _LossyFile(file.fileno(), "w", closefd=False)
    return io.TextIOWrapper(cast("BinaryIO", kept), encoding="utf-8", errors="backslashreplace", line_buffering=True)


class _LossyFile(io.FileIO):
    """What a full disk has no room for is lost: whoever wrote it goes on."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _is_descriptor(stream: TextIO | None, number: int) -> bool:
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError):
        return False
