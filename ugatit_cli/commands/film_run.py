"""One film from its file to the outcome that is reported, for every command that meets films."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

import typer

from ..console import Console
from ..errors import BadInputError, PartialError
from ..filming import FilmPlan, FilmSettings
from ..loading import LoadedModel
from ..pipeline import Interruption, Written, watch_signals
from ..pipeline.journal import Origin

if TYPE_CHECKING:
    from ..filming.making import Making
    from ..filming.reading import Reading
    from ..filming.work import Work
    from ..framing import Framing
    from ..video.frames import Source


@dataclass(frozen=True)
class FilmRun:
    """What was asked for.

    Attributes:
        batch_size: frames that go through the generator together; None for what suits the device.
        resume: whether finished segments of an earlier run are used.
        again: what the user types to go on.
        remember: called with a finished file's name, and where it still is, just before it gets the name.
    """

    plan: FilmPlan
    settings: FilmSettings
    source: Source
    batch_size: int | None
    resume: bool
    again: str
    remember: Callable[[Path, Path], None] = lambda target, part: None


def open_film(plan: FilmPlan, settings: FilmSettings) -> Source:
    """The source, after a look at the encoder's options and at the disk, before anything slow begins."""
    from ..filming.space import check_hopeless
    from ..video.encoders import choose_encoder
    from ..video.opening import open_source

    if plan.codec is not None:
        choose_encoder(plan.codec, settings.preset, 256, 256).options(settings.crf, settings.preset)
    path = plan.job.source.path
    source = open_source(path, settings.fps)
    pixels = source.facts.width * source.facts.height * len(plan.job.targets)
    there = next(folder for folder in plan.target.absolute().parents if folder.exists())
    check_hopeless(there, pixels, _reading(plan, settings, source).frames)
    return source


def run_film(run: FilmRun, loaded: LoadedModel, shape: Framing, console: Console) -> Written:
    """Raises UgatitError for what went wrong, typer.Exit after a signal."""
    from ..filming.assembling import finish
    from ..filming.making import make
    from ..filming.work import empty, hold

    begun = perf_counter()
    plan = run.plan
    with hold(plan.work, plan.target, resume=run.resume), watch_signals(_announce(console)) as interruption:
        making = _making(run, loaded, shape, interruption)
        work = making.work
        before = work.frames
        if before:
            console.note(f"{before} frames are done already: going on after them")
        started = perf_counter()
        with _progress(making, console) as advance, closing(make(making)) as counts:
            for count in counts:
                advance(count)
        speed = (work.frames - before) / (perf_counter() - started)
        if interruption.requested():
            kept = f"{work.frames} frames are kept: {run.again} goes on after them"
            console.note(
                kept if work.frames else "no frames are kept yet: what is finished is kept every ten seconds of film"
            )
            raise typer.Exit(interruption.exit_code)
        if not work.frames:
            text = f"there is no frame of {plan.job.source.path} in the stretch that was asked for"
            raise BadInputError(text, hint="look at --start, --end and --fps", name="video-no-frame")
        files, notes = finish(making)
        empty(plan.work)
    _tell_flicker(making, console)
    told = (*run.source.facts.notes, *notes, *_transparency(work, plan), *_damage(work))
    details = {**_details(making), "frames": work.frames, "fps": round(speed, 2)}
    seconds = perf_counter() - begun
    return Written(plan.job, files, told, seconds, details=details, shortfall=_shortfall(run, work))


def _making(run: FilmRun, loaded: LoadedModel, shape: Framing, interruption: Interruption) -> Making:
    from ..backends.batching import measured_batch_size
    from ..filming.making import Making
    from ..filming.outputs import make_outputs
    from ..filming.work import Work
    from ..framing import frame
    from ..steadying import Steadier
    from ..video.reading import VideoSource

    plan, settings, facts = run.plan, run.settings, run.source.facts
    reading = _reading(plan, settings, run.source)
    outputs = make_outputs(plan, reading, shape, settings)
    digest = settings.digest(plan.container, *(output.identity for output in outputs))
    work = Work(plan.work, _origin(plan.job.source.path, loaded.sha256, digest), [each.kind for each in outputs])
    work.find()
    blank = frame(_blank(facts.square_width, facts.height), shape)
    batch = run.batch_size or measured_batch_size(loaded.backend, *blank.pixels.shape[:2])
    kept = 3 * facts.square_width * facts.height
    if isinstance(run.source, VideoSource) and not settings.extras and shape.fit != "crop":
        left, top, right, bottom = blank.content
        run.source.shrink(right - left, bottom - top)
        kept = 0
    heatmap = "heatmap" in settings.extras
    steadier = Steadier(loaded.backend, settings.steady, heatmap=heatmap, batch_size=batch, kept_bytes=kept)
    ahead = batch + steadier.most_held_back(*blank.pixels.shape[:2])
    return Making(
        plan, settings, reading, shape, outputs, steadier, batch, ahead, work, interruption.requested, run.remember
    )


def _reading(plan: FilmPlan, settings: FilmSettings, source: Source) -> Reading:
    from ..filming.reading import Reading
    from ..video.window import Window

    is_folder = plan.job.source.path.is_dir()  # there, --fps says when its pictures are shown
    return Reading(source, Window(settings.start, settings.end, source.facts.zero), None if is_folder else settings.fps)


def _blank(width: int, height: int) -> Any:
    import numpy as np

    return np.zeros((height, width, 3), np.uint8)


def _origin(source: Path, model: str, settings: str) -> Origin:
    """Of a folder, every numbered picture counts."""
    from ..video.numbered import numbered_pictures

    if not source.is_dir():
        status = source.stat()
        return Origin(status.st_size, status.st_mtime_ns, model, settings)
    digest, size = hashlib.sha256(settings.encode()), 0
    for path in numbered_pictures(source):
        status = path.stat() if path.exists() else path.lstat()  # of a broken link, reading will tell
        size += status.st_size
        digest.update(f"{path.name!r} {status.st_size} {status.st_mtime_ns}".encode())
    return Origin(size, source.stat().st_mtime_ns, model, digest.hexdigest())


def _announce(console: Console) -> Any:
    return lambda: console.note("stopping; once more stops at once")


@contextmanager
def _progress(making: Making, console: Console) -> Iterator[Any]:
    reading = making.reading
    with console.film_progress(reading.frames, making.work.frames, float(reading.rate)) as advance:
        yield advance


def _transparency(work: Work, plan: FilmPlan) -> list[str]:
    if not work.transparent or plan.form != "video":
        return []
    return [f"its transparency is not kept in {plan.target.suffix} files: it is translated as if it lay on white"]


def _damage(work: Work) -> list[str]:
    if not work.damaged:
        return []
    return [f"{work.damaged} of its frames or packets are damaged: they were bridged as well as can be"]


def _shortfall(run: FilmRun, work: Work) -> PartialError | None:
    if not run.source.ends_early:
        return None
    promised, settings = run.source.facts.frames, run.settings
    is_whole = not settings.start and settings.end is None
    is_counted = promised and is_whole and settings.fps is None  # only then is it known how many are there
    there = f"{work.frames} of {promised} frames are there, and they are" if is_counted else "what is there is"
    text = f"{run.plan.job.source.path} ends early: {there} translated"
    return PartialError(text, hint="copy or download it again for the rest", name="video-truncated")


def _tell_flicker(making: Making, console: Console) -> None:
    if not making.steadier.report.pairs:
        return
    found = making.steadier.report.as_dict()
    console.note(
        f"flicker, levels from frame to frame: {found['without']:.1f} without steadying, {found['steadied']:.1f} with, "
        f"{found['source']:.1f} in the film itself"
    )


def _details(making: Making) -> dict[str, Any]:
    report = making.steadier.report
    output = making.outputs[0]
    encoder = {"encoder": output.stream.encoder.name} if output.stream else {}
    return {**encoder, "size": list(output.stored_size), **({"flicker": report.as_dict()} if report.pairs else {})}
