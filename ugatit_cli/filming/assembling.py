"""Finished segments become the files that were asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

from PIL import Image

from ..errors import OutputError
from ..files import replacing, write_atomically, writing
from ..video.animations import WRITERS, Animation
from ..video.checking import check_video
from ..video.joining import Companion, join
from ..video.reading import VideoSource
from ..video.segments import Record, read_records, read_times
from .outputs import Output
from .plan import FilmPlan
from .reading import Reading
from .work import Work

DIGITS = 6


def assemble(plan: FilmPlan, output: Output, work: Work, reading: Reading, *, sound: bool) -> Sequence[str]:
    """What the user should know. The file has its name only when it was read again.

    Raises:
        OutputError, ResourceError: it cannot be written, or is not what was meant.
    """
    segments, target = work.segments(output.kind), plan.job.targets[output.kind]
    if plan.form == "frames":
        _write_frames(target, plan.container, segments)
        return ()
    if plan.form == "animation":
        _write_animation(plan, output, work, reading)
        return ()
    assert output.stream is not None
    source = reading.source.path if isinstance(reading.source, VideoSource) else None
    with replacing(target, folder=plan.work) as part:
        joined = join(part, plan.container, output.stream, segments, Companion(source, sound, reading.window))
        check_video(part, plan.container, output.stream, segments, joined)
    return joined.notes


def _write_animation(plan: FilmPlan, output: Output, work: Work, reading: Reading) -> None:
    segments = work.segments(output.kind)
    count = sum(len(read_times(segment)) for segment in segments)
    facts = reading.source.facts
    animation = Animation(*output.size, count, facts.plays, reading.time_base)
    with replacing(plan.job.targets[output.kind], folder=plan.work) as part:
        with part.open("rb+") as file:
            WRITERS[plan.container](file, animation, _records(segments))
        _check_animation(part, output.size, count)


def _check_animation(part: Path, size: tuple[int, int], count: int) -> None:
    with Image.open(part, formats=["GIF", "PNG", "WEBP"]) as image:
        there = getattr(image, "n_frames", 1)
        if image.size != size or there != count:
            text = f"the finished animation has {there} frames of {image.width} x {image.height}"
            raise OutputError(text, hint="run it again", name="video-check")


def _write_frames(folder: Path, suffix: str, segments: Sequence[Path]) -> None:
    """`000001.png` and so on. A run that is killed here writes all of them again."""
    with writing(folder):
        folder.mkdir(exist_ok=True)
    for number, record in enumerate(_records(segments), 1):
        write_atomically(folder / f"{number:0{DIGITS}}.{suffix}", record.data)


def _records(segments: Sequence[Path]) -> Iterator[Record]:
    return chain.from_iterable(map(read_records, segments))
