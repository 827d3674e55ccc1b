"""Before the first step: look at every picture, and divide them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import UsageError
from ..files import write_atomically
from .config import TrainConfig
from .division import Division, divide, hold_out
from .run_config import CONFIG
from .survey import HeldOut, PictureSet, Progress, Survey, survey

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
    if run is not None:
        _require_folders(folders, run)
    earlier = _earlier(run)
    found = survey(folders, config.size, cached=earlier, **({"progress": progress} if progress else {}))
    held_out = _held_out(earlier, found, config)
    return Preparation(replace(found, held_out=held_out), divide(found, held_out), _changes(earlier, found))


def keep_survey(run: Path, found: Survey) -> None:
    write_atomically(run / SURVEY, found.to_json().encode())


def _require_folders(folders: Mapping[str, Path], run: Path) -> None:
    for folder in folders.values():
        if not folder.exists():
            hint = f"put it back, or write where it is now into {run / CONFIG}"
            raise UsageError(f"{folder} does not exist", hint=hint, name="input-missing")


def _earlier(run: Path | None) -> Survey | None:
    """A survey that is missing or damaged is made anew."""
    if run is not None:
        with suppress(OSError, ValueError):
            return Survey.from_json((run / SURVEY).read_text("utf-8"))
    return None


def _held_out(earlier: Survey | None, now: Survey, config: TrainConfig) -> HeldOut:
    """Drawn once for a run; out of what its survey found, where that does not tell."""
    if earlier is None:
        return hold_out(now, config)
    return earlier.held_out or hold_out(earlier, config, copies=True)


def _changes(earlier: Survey | None, now: Survey) -> tuple[str, ...]:
    if earlier is None:
        return ()
    changed = [
        str(pictures.folder)
        for name, pictures in now.sets.items()
        if name in earlier.sets and _content(earlier.sets[name]) != _content(pictures)
    ]
    text = "other pictures than when the run was started: it goes on, but not to the same bits"
    return tuple(f"{folder} has {text}" for folder in changed)


def _content(pictures: PictureSet) -> list[tuple[str, str]]:
    return [(pictures.name(facts), facts.fingerprint) for facts in pictures.good]
