"""What a run over many pictures says: paths or JSON on standard output, problems and counts on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import typer

from .. import __version__
from ..console import Console, JsonDocument
from ..errors import ExitCode, UgatitError
from ..pipeline import Failure, Job, Outcome, Tally
from .unforeseen import as_ours


class Report:
    """Shows outcomes as they come, and counts them."""

    def __init__(self, console: Console, command: str, as_json: bool) -> None:
        self.tally = Tally()
        self._console = console
        self._document = JsonDocument(console) if as_json else None
        self._facts: dict[str, Any] = {"ugatit": __version__, "command": command, "model": None, "device": None}
        self._total = 0
        self._begun = perf_counter()

    def expect(self, total: int) -> None:
        """How many pictures there will be: one alone ends as the error of the program, not as a failed item."""
        self._total = total

    def describe(self, **facts: Any) -> None:
        """What JSON says about the run as a whole; to be called before the first item."""
        self._facts |= facts

    def add(self, outcome: Outcome, said: tuple[str, ...] = ()) -> None:
        """`said` are notes that hold for the whole run, and that people were told already."""
        self.tally.add(outcome)
        if isinstance(outcome, Failure):
            self._add_failure(outcome)
            return
        for note in outcome.notes:
            self._console.warning(f"{outcome.job.source.path}: {note}")
        if outcome.data is not None:
            self._console.write(outcome.data)
            return
        facts: dict[str, Any] = {"seconds": round(outcome.seconds, 4), "notes": outcome.notes + said, **outcome.details}
        if outcome.shortfall is not None:
            facts["error"] = outcome.shortfall.as_dict()
        self._item(outcome.job, "written", outcome.files, **facts)
        if self._document is None:
            for path in reversed(list(outcome.files.values())):  # the result first
                self._console.result(path)

    def skip(self, jobs: Iterable[Job]) -> None:
        for job in jobs:
            self.tally.skipped += 1
            self._item(job, "skipped", job.targets)

    def plan(self, jobs: Iterable[Job]) -> None:
        """Of a dry run: the paths that would be written, as if they had been."""
        for job in jobs:
            self.tally.planned += 1
            self._item(job, "planned", job.targets)
            if self._document is None:
                for path in reversed(list(job.targets.values())):
                    self._console.result(path)

    def end(self, error: UgatitError | None, exit_code: int) -> None:
        """The counts, and the end of the JSON."""
        tally, seconds = self.tally, perf_counter() - self._begun
        counts = {"written": tally.written, "planned": tally.planned, "skipped": tally.skipped, "failed": tally.failed}
        if self._total > 1 or tally.written:
            text = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
            self._console.note(f"{text or 'nothing done'} in {seconds:.1f} s")
        if self._document is not None:
            self._begin()
            summary = {**counts, "seconds": round(seconds, 3)}
            self._document.end(summary=summary, exit_code=int(exit_code), error=error and error.as_dict())

    def _add_failure(self, failure: Failure) -> None:
        if self._total > 1:
            self._console.failure(failure.error)
        if self._document is not None:
            self._begin()
            facts = {"input": str(failure.path), "status": "failed", "error": failure.error.as_dict()}
            self._document.item(facts)

    def _item(self, job: Job, status: str, files: Mapping[Any, Path], **facts: Any) -> None:
        if self._document is not None:
            self._begin()
            paths = {kind: str(path) for kind, path in files.items()}
            self._document.item({"input": str(job.source.path), "status": status, "files": paths, **facts})

    def _begin(self) -> None:
        if self._document is not None and not self._document.begun:
            self._document.begin(**self._facts)


@contextmanager
def errors_as_json(console: Console, command: str, *, wanted: bool) -> Iterator[None]:
    """Of a command whose JSON comes last: an object with the error that leaves the block, where there will be no other."""
    try:
        yield
    except (BrokenPipeError, typer.Exit):
        raise
    except Exception as error:
        ours = error if isinstance(error, UgatitError) else as_ours(error)
        if wanted:
            facts = {
                "ugatit": __version__,
                "command": command,
                "exit_code": int(ours.exit_code),
                "error": ours.as_dict(),
            }
            console.write((json.dumps(facts, indent=1) + "\n").encode())
        if ours is error:
            raise
        raise ours from error


@contextmanager
def reporting(console: Console, command: str, *, as_json: bool) -> Iterator[Report]:
    """A report that ends however the block does; what failed inside adds up to the error that leaves it."""
    report = Report(console, command, as_json)
    try:
        yield report
        error = report.tally.error()
        if error is not None:
            raise error
    except UgatitError as error:
        report.end(error, error.exit_code)
        raise
    except typer.Exit as stop:
        report.end(None, stop.exit_code)
        raise
    except BrokenPipeError:  # nobody reads
        raise
    except Exception as error:
        ours = as_ours(error)
        report.end(ours, ours.exit_code)
        raise ours from error
    report.end(None, ExitCode.OK)
