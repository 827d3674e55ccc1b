"""Finished segments become the files that were asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain, count, takewhile
from pathlib import Path

from PIL import Image

from ..errors import OutputError
from ..files import remove_abandoned_parts, replacing, write_atomically, writing
from ..pipeline.plan import Kind
from ..video.animations import WRITERS, Animation
from ..video.checking import check_video
from ..video.joining import Companion, join
from ..video.reading import VideoSource, open_container
from ..video.segments import Record, read_records, read_times
from ..video.sniffing import sniff
from ..video.tracks import lost_in_pictures
from .making import Making
from .outputs import Output
from .plan import is_in_the_way

DIGITS = 6


def finish(making: Making) -> tuple[Mapping[Kind, Path], list[str]]:
    """Join the segments: (the files that were written, what the user should know about what lies beside the pictures).

    Raises:
        OutputError, ResourceError: they cannot be written, or are not what was meant when they are read again.
    """
    notes: list[str] = []
    for output in making.outputs:
        for note in _assemble(making, output):
            notes += [note] if note not in notes else []
    return making.plan.job.targets, notes


def _assemble(making: Making, output: Output) -> Sequence[str]:
    """One film. It has its name only when it was read again."""
    plan, segments = making.plan, making.work.segments(output.kind)
    target = plan.job.targets[output.kind]
    if os.path.lexists(target) and not plan.job.replace and is_in_the_way(target, plan.work):
        text = f"{target} appeared while this run was under way, and is left as it is"
        raise OutputError(text, hint="--overwrite replaces it", name="output-exists")
    if plan.form == "frames":
        making.work.remember_folder(target.name)
        _write_frames(target, plan.container, segments)
        return _lost(making)
    with replacing(target, check=partial(_remember, making, target), folder=plan.work) as part:
        if output.stream is None:
            _write_animation(part, making, output, segments)
            return _lost(making)
        beside = Companion(_video_file(making), making.settings.sound, making.reading.window)
        joined = join(part, target, plan.container, output.stream, segments, beside)
        check_video(part, plan.container, output.stream, segments, joined)
        return joined.notes


def _video_file(making: Making) -> Path | None:
    source = making.reading.source
    return source.path if isinstance(source, VideoSource) else None


def _lost(making: Making) -> list[str]:
    """What the user should know about a film of which only pictures are kept."""
    path = _video_file(making)
    if path is None:
        return []
    with open_container(path, sniff(path)[0]) as source:
        lost = lost_in_pictures(source, sound=making.settings.sound)
    form = "a folder" if making.plan.form == "frames" else making.plan.container
    if not lost:
        return []
    return [f"{form} holds pictures only: what is left out is its {', '.join(lost)}"]


def _remember(making: Making, target: Path, part: Path) -> None:
    """So that a run which is killed before all its films have their names may replace those that do."""
    making.work.remember(target.name, part)
    making.remember(target, part)


def _write_animation(part: Path, making: Making, output: Output, segments: Sequence[Path]) -> None:
    frames = sum(len(read_times(segment)) for segment in segments)
    animation = Animation(*output.size, frames, making.reading.source.facts.plays, making.reading.time_base)
    with part.open("rb+") as file:
        shown = WRITERS[making.plan.container](file, animation, _records(segments))
    _check_animation(part, output.size, shown)


def _check_animation(part: Path, size: tuple[int, int], frames: int) -> None:
    try:
        with Image.open(part, formats=["GIF", "PNG", "WEBP"]) as image:
            there, shown = getattr(image, "n_frames", 1), image.size
    except OSError:
        there, shown = 0, (0, 0)
    if shown != size or there != frames:
        text = f"the finished animation has {there} frames of {shown[0]} x {shown[1]}, not {frames} of {size[0]} x {size[1]}"
        raise OutputError(text, hint="run it again with --no-resume", name="video-check")


def _write_frames(folder: Path, suffix: str, segments: Sequence[Path]) -> None:
    """`000001.png` and so on. A run that is killed here writes all of them again; frames that a longer film had go."""
    with writing(folder):
        folder.mkdir(exist_ok=True)
    remove_abandoned_parts(folder)
    paths = (folder / f"{number:0{DIGITS}}.{suffix}" for number in count(1))
    for record in _records(segments):
        write_atomically(next(paths), record.data)
    for path in reversed(list(takewhile(os.path.isfile, paths))):  # the last first: a kill leaves no gap before others
        path.unlink()


def _records(segments: Sequence[Path]) -> Iterator[Record]:
    return chain.from_iterable(map(read_records, segments))
