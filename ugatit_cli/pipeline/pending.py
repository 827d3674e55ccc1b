"""Which jobs are still to do, now that some of the outputs may be there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from ..errors import BadInputError, UgatitError, UsageError
from ..files import sha256_of
from ..video.kinds import CONTAINERS, suffix_of
from .journal import Journal, Origin
from .plan import Job

Existing = Literal["refuse", "overwrite", "skip"]
Verdict = Literal["make", "remake", "skip", "refuse"]


@dataclass(frozen=True)
class Pending:
    """The jobs sorted; `skipped` ones are done already, or are not to be touched."""

    todo: list[Job]
    skipped: list[Job]


@dataclass(frozen=True)
class Choices:
    """What the outputs of this run would follow from, and what to do about outputs that are there."""

    existing: Existing
    model: str
    settings: str

    def origin(self, job: Job) -> Origin | None:
        """None where there is no journal to keep it, or no input: reading that will say why."""
        status = job.source.status
        if job.root is None or status is None:
            return None
        return Origin(status.st_size, status.st_mtime_ns, self.model, self.settings)


def sort_jobs(jobs: Iterable[Job], journals: Mapping[Path, Journal], choices: Choices) -> Pending:
    """Raises UsageError, before anything is changed, for outputs that would be overwritten without leave."""
    todo: list[Job] = []
    skipped: list[Job] = []
    refused: list[Path] = []
    for job in jobs:
        there = [target for target in job.targets.values() if os.path.lexists(target)]
        verdict = _judge(job, there, journals, choices)
        if verdict == "refuse":
            refused += there
        elif verdict == "skip":
            skipped.append(job)
        else:
            todo.append(replace(job, replace=verdict == "remake"))
    if refused:
        raise _exists(refused)
    return Pending(todo, skipped)


def _judge(job: Job, there: list[Path], journals: Mapping[Path, Journal], choices: Choices) -> Verdict:
    _refuse_folders(there)
    if not there:
        return "make"
    if choices.existing == "overwrite":
        return "remake"
    if choices.existing == "skip":
        return "skip" if job.targets["result"] in there else "make"
    if job.root is None:
        return "refuse"
    states = [_state(target, job, journals[job.root], choices) for target in there]
    if "foreign" in states:
        return "refuse"
    return "skip" if states == ["current"] * len(job.targets) else "remake"


def _state(target: Path, job: Job, journal: Journal, choices: Choices) -> Literal["current", "outdated", "foreign"]:
    last = journal.find(target)
    if last is None:
        return "foreign"
    try:
        record = journal.find_content(target, sha256_of(target))
    except OSError:
        return "foreign"
    if record is None:
        # a picture that somebody retouched is theirs now; one that no longer opens is nobody's
        return "outdated" if _is_damaged(target) else "foreign"
    if not record.is_of(job.source.path):
        return "foreign"
    return "current" if record is last and record.origin == choices.origin(job) else "outdated"


def _is_damaged(path: Path) -> bool:
    """Of films nobody knows without looking at every frame: they are taken to be whole, as is what is too large to read."""
    if suffix_of(path.name) in CONTAINERS:
        return False
    from .. import images

    try:
        images.read(path)
    except UgatitError as error:
        return isinstance(error, BadInputError)
    return False


def _refuse_folders(there: Iterable[Path]) -> None:
    for target in there:
        if target.is_dir():
            text = f"cannot write {target}: there is a folder of that name"
            raise UsageError(text, hint="rename it, or choose another place with -o", name="output-is-folder")


def _exists(refused: list[Path]) -> UsageError:
    more = f" and {len(refused) - 1} more of the outputs" if len(refused) > 1 else ""
    text = f"{refused[0]}{more} would be overwritten"
    return UsageError(text, hint="--overwrite replaces them, --skip-existing keeps them", name="output-exists")
