"""Before the first step: look at every picture, and divide them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..files import write_atomically
from .config import TrainConfig
from .division import Division, divide
from .survey import Progress, Survey, survey

SURVEY = "survey.json"


@dataclass(frozen=True)
class Preparation:
    """What is known of the pictures, and which serve for what."""

    survey: Survey
    division: Division
    notes: tuple[str, ...] = ()


def prepare(config: TrainConfig, run: Path | None = None, *, progress: Progress | None = None) -> Preparation:
    """Survey the folders that `config` names; `run` may hold the survey of an earlier start.

    Raises:
        UsageError: a folder does not exist.
        BadInputError: the pictures cannot be trained on.
    """
    names = {"a": config.a, "b": config.b, "test_a": config.test_a, "test_b": config.test_b}
    folders = {name: folder for name, folder in names.items() if folder is not None}
    earlier = _earlier(run)
    found = survey(folders, config.size, cached=earlier, **({"progress": progress} if progress else {}))
    return Preparation(found, divide(found, config), _changes(earlier, found))


def keep_survey(run: Path, found: Survey) -> None:
    write_atomically(run / SURVEY, found.to_json().encode())


def _earlier(run: Path | None) -> Survey | None:
    """A survey that is missing or damaged is made anew."""
    if run is not None:
        with suppress(OSError, ValueError):
            return Survey.from_json((run / SURVEY).read_text("utf-8"))
    return None


def _changes(earlier: Survey | None, now: Survey) -> tuple[str, ...]:
    if earlier is None:
        return ()
    changed = [
        str(pictures.folder)
        for name, pictures in now.sets.items()
        if name in earlier.sets and earlier.sets[name].usable != pictures.usable
    ]
    text = "other pictures than when the run was started: it goes on, but not to the same bits"
    return tuple(f"{folder} has {text}" for folder in changed)
