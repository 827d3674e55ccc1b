"""The look at every picture before the first step, so that what is wrong is said now and not in the ninth hour."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

from ...errors import BadInputError
from ...pipeline.sources import PICTURE_SUFFIXES
from ...pipeline.stream import in_order
from ..data import list_pictures
from .facts import Facts, HeldOut, PictureSet, Survey
from .findings import find
from .reading import THREADS, Reader, version_of

__all__ = ["Facts", "HeldOut", "PictureSet", "Progress", "Survey", "survey"]

Progress = Callable[[int], AbstractContextManager[Callable[[], None]]]
"""Given the number of pictures to read, a context that gives a function to call after each: `Console.progress`."""

AHEAD = 64  # pictures that may be read before the first of them is asked for; only their fingerprints wait


@contextmanager
def _silence(_total: int) -> Iterator[Callable[[], None]]:
    yield lambda: None


def survey(
    folders: Mapping[str, Path], size: int, *, cached: Survey | None = None, progress: Progress = _silence
) -> Survey:
    """Decode every picture of `folders` ("a", "b" and, where there are any, "test_a", "test_b") once and judge the sets.

    Args:
        size: side of the training pictures in pixels.
        cached: an earlier survey; the same endings are looked for, and readable files that have not changed since (size,
            time) are not read again.

    Raises:
        UsageError: a folder does not exist.
        BadInputError: a folder holds no pictures, or none that can be read.
    """
    endings = cached.endings if cached else tuple(sorted(PICTURE_SUFFIXES))
    listed = {name: list_pictures(folder, endings) for name, folder in folders.items()}
    facts = _facts([path for paths in listed.values() for path in paths], cached, progress)
    sets = {name: PictureSet(folders[name], tuple(facts[path] for path in paths)) for name, paths in listed.items()}
    for pictures in sets.values():
        _require_usable(pictures)
    return Survey(size, sets, tuple(find(sets, size)), endings)


def _facts(paths: list[Path], cached: Survey | None, progress: Progress) -> dict[Path, Facts]:
    """What is known of each path, in their order."""
    known = _still_true(cached, paths) if cached else {}
    unknown = [path for path in paths if path not in known]
    with (
        progress(len(unknown)) as advance,
        closing(in_order(Reader().facts, unknown, threads=THREADS, ahead=AHEAD)) as read,
    ):
        for facts in read:
            known[facts.path] = facts
            advance()
    return known


def _still_true(cached: Survey, paths: list[Path]) -> dict[Path, Facts]:
    """A file that could not be read is tried again: a permission that was mended leaves no trace in size and time."""
    kept = {facts.path: facts for pictures in cached.sets.values() for facts in pictures.facts if not facts.problem}
    return {path: kept[path] for path in paths if path in kept and version_of(path) == kept[path].version}


def _require_usable(pictures: PictureSet) -> None:
    if not pictures.usable:
        first, reason = pictures.unreadable[0]
        raise BadInputError(
            f"none of the {len(pictures.facts)} pictures in {pictures.folder} can be read: {first.name}: {reason}",
            hint="put whole pictures (jpg, png, webp ...) into it",
            name="data-unreadable",
        )
