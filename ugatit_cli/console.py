"""The only module that prints: results on standard output, everything for people on standard error."""

from __future__ import annotations

import errno
import json
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TextIO

from .errors import UgatitError
from .files import write_error

if TYPE_CHECKING:
    from rich.console import Console as RichConsole
    from rich.progress import Progress, Task
    from rich.text import Text

PLAIN_PROGRESS_SECONDS = 5.0
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
    def progress(self, total: int) -> Iterator[Callable[[], None]]:
        """Gives a function to call after each of `total` items; a bar on a terminal, now and then a line elsewhere."""
        if self.verbosity == Verbosity.QUIET or total < 2:
            yield lambda: None
        elif self._stderr.is_terminal:
            self._bar = _bar(self._stderr)
            try:
                with self._bar as bar:
                    task = bar.add_task("", total=total)
                    yield lambda: bar.advance(task)
            finally:
                self._bar = None
        else:
            yield _PlainProgress(total, self.note)

    @contextmanager
    def transfer(self, name: str, total: int, done: int) -> Iterator[Callable[[int], None]]:
        """Gives a function to call with the bytes of a download that came, or went; `done` of `total` are there already."""
        if self.verbosity == Verbosity.QUIET:
            yield lambda count: None
        elif self._stderr.is_terminal:
            with _transfer_bar(self._stderr) as bar:
                task = bar.add_task(escape(name), total=total or None, completed=done)
                yield lambda count: bar.advance(task, count)
        else:
            progress = _PlainTransfer(name, total, done, self.note)
            yield progress
            progress.end()

    @contextmanager
    def film_progress(self, total: int | None, done: int, rate: float) -> Iterator[Callable[[int], None]]:
        """Gives a function to tell how many frames are done.

        `total` is None where nobody knows; `done` were done before this run; `rate` is how many a second are shown.
        """
        if self.verbosity == Verbosity.QUIET:
            yield lambda count: None
        elif self._stderr.is_terminal:
            self._bar = _film_bar(self._stderr, rate)
            try:
                with self._bar as bar:
                    bar.add_task("", total=total, completed=done)
                    yield lambda count: _update(bar, total, count)
            finally:
                self._bar = None
        else:
            yield _PlainFilmProgress(total, done, rate, self.note)

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

        That goes for the lines that C code writes to the file descriptor, too.
        """
        if os.environ.get("UGATIT_DEBUG") or not _is_descriptor(sys.stderr, 2):
            yield
            return
        kept, before, ours = self._rich, sys.stderr, os.dup(2)
        with tempfile.TemporaryFile() as noise, open(ours, "w", encoding=before.encoding, errors="replace") as real:
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


class _PlainProgress:
    """A line after the first item, after the last, and every few seconds between."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say = total, say
        self._count = 0
        self._begun = time.monotonic()
        self._said = -PLAIN_PROGRESS_SECONDS

    def __call__(self) -> None:
        self._count += 1
        seconds = time.monotonic() - self._begun
        if self._count == self._total or seconds - self._said >= PLAIN_PROGRESS_SECONDS:
            self._said = seconds
            rate = self._count / max(seconds, 1e-6)
            left = _duration((self._total - self._count) / rate)
            self._say(f"{self._count} of {self._total}, {rate:.1f} a second, {left} left")


class _PlainTransfer:
    """A line at the beginning, every few seconds, and at the end."""

    def __init__(self, name: str, total: int, done: int, say: Callable[[str], None]) -> None:
        self._name, self._total, self._say = name, total, say
        self._first = self._done = done
        self._begun = self._said = time.monotonic()
        resumed = f", {_megabytes(done)} are there already" if done else ""
        say(f"downloading {name}{f': {_megabytes(total)}' if total else ''}{resumed}")

    def __call__(self, count: int) -> None:
        self._done += count
        now = time.monotonic()
        if now - self._said >= PLAIN_PROGRESS_SECONDS:
            self._said = now
            rate = max(self._done - self._first, 1) / (now - self._begun)
            left = f", {_duration((self._total - self._done) / rate)} left" if self._total else ""
            self._say(f"{_megabytes(self._done)} of {_megabytes(self._total)}, {_megabytes(rate)} a second{left}")

    def end(self) -> None:
        seconds = time.monotonic() - self._begun
        self._say(f"downloaded {self._name}: {_megabytes(self._done - self._first)} in {seconds:.1f} s")


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"


class _PlainFilmProgress:
    """A line every few seconds."""

    def __init__(self, total: int | None, done: int, rate: float, say: Callable[[str], None]) -> None:
        self._total, self._done, self._rate, self._say = total, done, rate, say
        self._begun = self._said = time.monotonic()

    def __call__(self, count: int) -> None:
        now = time.monotonic()
        if now - self._said < PLAIN_PROGRESS_SECONDS:
            return
        self._said = now
        speed = (count - self._done) / max(now - self._begun, 1e-6)
        total = _still_right(self._total, count)
        left = f", {_duration((total - count) / max(speed, 1e-6))} left" if total else ""
        of = f" of {total}" if total else ""
        self._say(f"{count}{of} frames, {_film_speed(speed, self._rate)}{left}")


def _still_right(total: int | None, count: int) -> int | None:
    """How many frames there are is estimated: None once there are more."""
    return None if total is None or count > total else total


def _film_speed(speed: float, rate: float) -> str:
    """Frames a second, and as a multiple of the speed that they are shown at."""
    return f"{speed:.1f} fps, {speed / rate:.2f}x real time"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _bar(console: RichConsole) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f} a second")

    columns = (BarColumn(bar_width=None), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def _transfer_bar(console: RichConsole) -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def _film_bar(console: RichConsole, rate: float) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.text import Text

    class SpeedColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if not task.speed else _film_speed(task.speed, rate))

    columns = (BarColumn(bar_width=None), MofNCompleteColumn(), SpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def _update(bar: Progress, total: int | None, count: int) -> None:
    (task,) = bar.tasks
    task.total = _still_right(total, count)
    bar.update(task.id, completed=count)


def _rich_console(file: TextIO | None) -> RichConsole:
    from rich.console import Console as RichConsole

    return RichConsole(file=file or open(os.devnull, "w"))  # noqa: SIM115 - lives as long as the process


def _text_into(file: IO[bytes]) -> TextIO:
    return open(file.fileno(), "w", closefd=False, encoding="utf-8", errors="backslashreplace", buffering=1)


def _is_descriptor(stream: TextIO | None, number: int) -> bool:
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError):
        return False
