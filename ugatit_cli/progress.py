"""How far work is: bars for a terminal, and lines now and then for everything else."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, Task
    from rich.text import Text

LINE_SECONDS = 5.0  # from one line to the next
PACE_SECONDS = 120.0  # over which a pace is taken

Say = Callable[[str], None]


class Pace:
    """How much is done in a second, lately: what was slow or fast at the beginning says little about the rest."""

    def __init__(self, done: float) -> None:
        self.begun = time.monotonic()
        self._marks = deque([(self.begun, done)])

    def after(self, done: float, *, anyway: bool = False) -> float | None:
        """With so much done by now; None where the last one was taken just before, if not `anyway`."""
        now = time.monotonic()
        if now - self._marks[-1][0] < LINE_SECONDS and not anyway:
            return None
        while len(self._marks) > 1 and now - self._marks[1][0] >= PACE_SECONDS:
            self._marks.popleft()
        begun, before = self._marks[0]
        self._marks.append((now, done))
        return max(done - before, 1e-6) / max(now - begun, 1e-6)


class Lines:
    """A line after the first item, after the last, and every few seconds between."""

    def __init__(self, total: int, done: int, say: Say) -> None:
        self._total, self._first, self._count, self._say = total, done + 1, done, say
        self._pace = Pace(done)

    def __call__(self) -> None:
        self._count += 1
        pace = self._pace.after(self._count, anyway=self._count in (self._first, self._total))
        if pace is not None:
            left = _duration((self._total - self._count) / pace)
            self._say(f"{self._count} of {self._total}, {pace:.1f} a second, {left} left")


class TransferLines:
    """A line at the beginning, every few seconds, and at the end."""

    def __init__(self, name: str, total: int, done: int, say: Say) -> None:
        self._name, self._total, self._say = name, total, say
        self._first = self._done = done
        self._pace = Pace(done)
        resumed = f", {_megabytes(done)} are there already" if done else ""
        say(f"downloading {name}{f': {_megabytes(total)}' if total else ''}{resumed}")

    def __call__(self, count: int) -> None:
        self._done += count
        pace = self._pace.after(self._done)
        if pace is not None:
            left = f", {_duration((self._total - self._done) / pace)} left" if self._total else ""
            self._say(f"{_megabytes(self._done)} of {_megabytes(self._total)}, {_megabytes(pace)} a second{left}")

    def end(self) -> None:
        seconds = time.monotonic() - self._pace.begun
        self._say(f"downloaded {self._name}: {_megabytes(self._done - self._first)} in {seconds:.1f} s")


class FilmLines:
    """A line every few seconds."""

    def __init__(self, total: int | None, done: int, rate: float, say: Say) -> None:
        self._total, self._rate, self._say = total, rate, say
        self._pace = Pace(done)

    def __call__(self, count: int) -> None:
        pace = self._pace.after(count)
        if pace is None:
            return
        total = _still_right(self._total, count)
        left = f", {_duration((total - count) / pace)} left" if total else ""
        of = f" of {total}" if total else ""
        self._say(f"{count}{of} frames, {_film_speed(pace, self._rate)}{left}")


def bar_of(console: Console) -> Progress:
    """Of items."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.text import Text

    class RateColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if task.speed is None else f"{task.speed:.1f} a second")

    columns = (BarColumn(bar_width=None), MofNCompleteColumn(), RateColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def transfer_bar(console: Console) -> Progress:
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    name = TextColumn("{task.description}", markup=False)
    columns = (name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def film_bar(console: Console, rate: float) -> Progress:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TimeRemainingColumn
    from rich.text import Text

    class SpeedColumn(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text("" if not task.speed else _film_speed(task.speed, rate))

    columns = (BarColumn(bar_width=None), MofNCompleteColumn(), SpeedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


def update(bar: Progress, total: int | None, count: int) -> None:
    """A film's bar, of which so many frames are done."""
    (task,) = bar.tasks
    task.total = _still_right(total, count)
    bar.update(task.id, completed=count)


def _still_right(total: int | None, count: int) -> int | None:
    """How many frames there are is estimated: None once there are more."""
    return None if total is None or count > total else total


def _film_speed(speed: float, rate: float) -> str:
    """Frames a second, and as a multiple of the speed that they are shown at."""
    return f"{speed:.1f} fps, {speed / rate:.2f}x real time"


def _megabytes(count: float) -> str:
    return f"{count / 1e6:,.1f} MB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
