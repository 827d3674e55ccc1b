"""What each film that is written shows, and how large it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import cast

import numpy as np

from .. import framing, images
from ..pipeline.plan import Kind
from ..pipeline.writing import visible_heatmap
from ..video.encoders import choose_encoder
from ..video.encoding import Stream, VideoEncoder, check_stream
from ..video.frames import Facts, Pixels
from ..video.scaling import resized
from ..video.stills import StillEncoder, StillFormat
from .plan import FilmPlan
from .reading import Reading
from .settings import FilmSettings
from .translating import Shown


@dataclass(frozen=True)
class Output:
    """One film to write.

    Attributes:
        size: width and height of a picture in square pixels.
        stream: of a video file; None for pictures.
        new_encoder: called for every segment.
    """

    kind: Kind
    size: tuple[int, int]
    stream: Stream | None
    new_encoder: Callable[[], VideoEncoder | StillEncoder]

    @property
    def stored_size(self) -> tuple[int, int]:
        return (self.stream.width, self.stream.height) if self.stream else self.size

    @property
    def identity(self) -> str:
        """What, besides the settings, its segments follow from."""
        return f"{self.kind} {self.size} {self.stream}"


def make_outputs(plan: FilmPlan, reading: Reading, shape: framing.Framing, settings: FilmSettings) -> list[Output]:
    """Raises UsageError where the encoder does not take the quality, the preset or the size."""
    facts = reading.source.facts
    size, aspect = _result_size(facts, shape, settings)
    outputs = []
    for kind in plan.job.targets:
        wide = (2 * size[0], size[1]) if kind == "compare" else size
        if plan.form == "video":
            outputs.append(_video_output(kind, wide, aspect, plan, reading, settings))
        else:
            outputs.append(_still_output(kind, wide, plan, facts))
    return outputs


def _result_size(facts: Facts, shape: framing.Framing, settings: FilmSettings) -> tuple[tuple[int, int], Fraction]:
    """((width, height) in square pixels, the source's shape of pixels if that is kept)."""
    to = settings.pictures.output_size
    blank = np.zeros((facts.height, facts.square_width, 3), np.uint8)
    framed = framing.frame(blank, shape)
    height, width = framing.source_part(blank, framed, to=to).shape[:2]
    keeps = (width, height) == (facts.square_width, facts.height)
    return (width, height), facts.sample_aspect if keeps else Fraction(1)


def _video_output(
    kind: Kind, size: tuple[int, int], aspect: Fraction, plan: FilmPlan, reading: Reading, settings: FilmSettings
) -> Output:
    assert plan.codec is not None
    width, height = size
    encoder = choose_encoder(plan.codec, settings.preset, width, height)
    if not encoder.holds_aspect:
        aspect = Fraction(1)
    stream = Stream(
        encoder,
        encoder.options(settings.crf, settings.preset),
        max(1, round(width / aspect)),
        height,
        reading.time_base,
        reading.rate,
        aspect,
        reading.source.facts.colours,
    )
    check_stream(stream)
    return Output(kind, size, stream, lambda: VideoEncoder(stream))


def _still_output(kind: Kind, size: tuple[int, int], plan: FilmPlan, facts: Facts) -> Output:
    name = cast(StillFormat, "png" if plan.container == "apng" else plan.container)
    encoder = StillEncoder(name, *size, transparent=kind == "result" and facts.may_be_transparent)
    return Output(kind, size, None, lambda: encoder)


def picture(shown: Shown, output: Output, settings: FilmSettings) -> tuple[Pixels, Pixels | None]:
    """(what the film of that kind shows, its transparency); a plain result stays small: the encoder enlarges it."""
    to, framed, frame = settings.pictures.output_size, shown.seen.framed, shown.seen.frame
    result = framing.restore(shown.pixels, framed, to="model")
    if output.kind == "result":
        alpha = None if frame.alpha is None else framing.source_part(frame.alpha, framed, to=to)
        return result, alpha
    source = framing.source_part(frame.pixels, framed, to=to)
    if output.kind == "heatmap":
        assert shown.heatmap is not None
        return images.heatmap_overlay(source, visible_heatmap(shown.heatmap, framed)), None
    height, width = source.shape[:2]
    return images.side_by_side(source, resized(result, width, height)), None
