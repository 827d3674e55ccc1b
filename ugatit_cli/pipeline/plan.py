"""Which files a run will write: decided and checked before anything is touched."""

from __future__ import annotations

import os
import secrets
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..errors import UsageError
from ..files import write_error
from ..video.kinds import is_video_name
from .destination import DEFAULT_FORMAT, FORMATS, Destination, Extra, OutputOptions, choose_destination
from .sources import Source, find_sources, identity_of

Kind = Extra | Literal["result"]
Spelling = Callable[[str], str]


@dataclass(frozen=True)
class Job:
    """One picture or film to translate.

    Attributes:
        targets: what to write where, the result last; empty for standard output, and where the source has a problem.
        format: of all of it, a key of `FORMATS`.
        root: the output folder with the journal that the targets are written into; None for single files.
        replace: whether targets that exist may be replaced.
    """

    source: Source
    targets: Mapping[Kind, Path]
    format: str
    root: Path | None = None
    replace: bool = False

    @property
    def is_film(self) -> bool:
        """Not what has a problem: that can be a folder with the name of a film."""
        return self.source.problem is None and is_video_name(self.source.path.name)


def make_plan(arguments: Sequence[str], options: OutputOptions, *, recursive: bool) -> list[Job]:
    """Every picture meant by `arguments` and where its translation goes. Nothing is changed.

    Raises:
        UsageError: a path is missing, two pictures would become one file, an input would be overwritten, or a format for
            pictures is asked for where there are films only.
    """
    destination = choose_destination(arguments, options)
    _refuse_same_folder(arguments, destination.roots)
    sources = find_sources(arguments, recursive=recursive, excluded=destination.roots)
    jobs = [_job(source, destination) for source in sources]
    if destination.kind == "beside":
        jobs = _without_results(jobs)
    _refuse_format_of_films(jobs, options.format)
    refuse_collisions(jobs, str)
    _refuse_overwritten_inputs(jobs)
    return jobs


def _job(source: Source, destination: Destination) -> Job:
    if source.problem is not None or destination.kind == "stream":
        return Job(source, {}, destination.options.format or DEFAULT_FORMAT)
    result, root = destination.place(source)
    stem, ending = os.path.splitext(result.name)
    extras: dict[Kind, Path] = {
        extra: result.with_name(f"{stem}.{extra}{ending}") for extra in destination.options.extras
    }
    return Job(source, {**extras, "result": result}, ending[1:].lower(), root)


def _without_results(jobs: Sequence[Job]) -> list[Job]:
    """Without what earlier runs made of the others and left beside them, where a pattern finds it again."""
    results = {identity for job in jobs for target in job.targets.values() if (identity := identity_of(target))}
    return [job for job in jobs if identity_of(job.source.path) not in results]


def _refuse_same_folder(arguments: Sequence[str], roots: Iterable[Path]) -> None:
    inputs = {identity_of(Path(argument)) for argument in arguments if os.path.isdir(argument)}
    for root in roots:
        if os.path.isdir(root) and identity_of(root) in inputs:
            text = f"input and output are the same folder: {root}"
            raise UsageError(text, hint="choose another folder with -o", name="output-is-input")


def _refuse_format_of_films(jobs: Sequence[Job], wanted: str | None) -> None:
    """Among pictures, films keep their own; an animated picture may be what is meant."""
    if wanted is None or not all(job.is_film and FORMATS.get(job.format) != FORMATS[wanted] for job in jobs):
        return
    text = f"{jobs[0].targets['result']} and --format {wanted} contradict each other"
    hint = "leave --format out: it is for pictures, and the ending of -o says how a film is written"
    raise UsageError(text, hint=hint, name="format-contradiction")


def _refuse_overwritten_inputs(jobs: Iterable[Job]) -> None:
    inputs = {identity: job.source.path for job in jobs if (identity := identity_of(job.source.path))}
    for job in jobs:
        for target in job.targets.values():
            identity = identity_of(target)
            if identity in inputs:
                text = f"the translation of {job.source.path} would overwrite the input {inputs[identity]}"
                raise UsageError(text, hint="choose another place with -o", name="output-is-input")


def refuse_collisions(jobs: Iterable[Job], spelling: Spelling) -> None:
    """Raises UsageError for two targets that are one file after `spelling`."""
    taken: dict[str, Job] = {}
    for job in jobs:
        for target in job.targets.values():
            other = taken.setdefault(spelling(str(target)), job)
            if other is not job:
                text = f"{other.source.path} and {job.source.path} would both be written to {target}"
                hint = "rename one of them, or translate them into two folders"
                raise UsageError(text, hint=hint, name="output-collision")


def refuse_lookalikes(jobs: Sequence[Job], folder: Path) -> None:
    """Collisions that exist only where upper and lower case, or two ways to write é, are one name; asks the disk.

    Raises:
        UsageError: two targets would be one file in `folder`, which exists and can be written.
    """
    try:
        refuse_collisions(jobs, _alike)
    except UsageError:
        refuse_collisions(jobs, _spelling_in(folder))


def _alike(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _spelling_in(folder: Path) -> Spelling:
    """How file names compare in `folder`, found out with a file that is there for a moment."""
    stem = f".{secrets.token_hex(6)}.ugatit-"
    probe = folder / f"{stem}\u00e9a"
    try:
        probe.touch(exist_ok=False)
        try:
            any_case = (folder / f"{stem}\u00e9A").exists()
            any_form = (folder / f"{stem}e\u0301a").exists()
        finally:
            with suppress(OSError):
                probe.unlink()
    except OSError as error:
        raise write_error(folder, error) from error

    def spelling(name: str) -> str:
        name = unicodedata.normalize("NFC", name) if any_form else name
        return name.casefold() if any_case else name

    return spelling
