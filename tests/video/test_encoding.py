"""Encoders that refuse."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ugatit_cli.errors import OutputError, UsageError
from ugatit_cli.video.colours import Colours
from ugatit_cli.video.encoders import SOFTWARE
from ugatit_cli.video.encoding import Stream, VideoEncoder, check_stream

PLAIN = (Fraction(1), Colours())


def hevc(side: int) -> Stream:
    encoder = SOFTWARE["hevc"]
    options = encoder.options(None, None)
    return Stream(encoder, options, side, side, Fraction(1, 25), Fraction(25), Fraction(1), Colours())


def test_a_size_is_tried_before_a_film_is_translated() -> None:
    check_stream(hevc(16))
    with pytest.raises(UsageError, match="libx265 cannot write pictures of 8 x 8"):
        check_stream(hevc(8))


def test_what_an_encoder_refuses_on_the_way_is_told_of_the_output() -> None:
    with pytest.raises(OutputError, match=r"libx265 cannot encode the film \(invalid argument\)"):
        VideoEncoder(hevc(8)).push(np.zeros((8, 8, 3), np.uint8), None, 0, 1)


@pytest.mark.parametrize("width", [34, 40, 48, 62])
def test_a_width_with_which_libx265_writes_outside_its_memory_is_not_tried(width: int) -> None:
    with pytest.raises(UsageError, match=f"libx265 cannot write pictures of {width} x {width}"):
        check_stream(hevc(width))


def test_a_rate_that_an_encoder_does_not_take_is_named() -> None:
    encoder = SOFTWARE["av1"]
    stream = Stream(encoder, encoder.options(None, None), 64, 48, Fraction(1, 300), Fraction(300), *PLAIN)
    with pytest.raises(UsageError, match="libsvtav1 cannot write pictures of 64 x 48, 300 a second"):
        check_stream(stream)


@pytest.mark.parametrize("ticks", [1_000_000_000, 27_000_000, 90_000])
def test_times_come_back_as_they_were_from_an_encoder_with_a_clock_of_its_own(ticks: int) -> None:
    encoder = SOFTWARE["vp9"]
    stream = Stream(encoder, encoder.options(None, None), 64, 48, Fraction(1, ticks), Fraction(30), *PLAIN)
    writer, times = VideoEncoder(stream), [ticks * number * 1001 // 30_000 for number in range(12)]
    records = [
        record for pts in times for record in writer.push(np.zeros((48, 64, 3), np.uint8), None, pts, ticks // 30)
    ]
    assert [record.pts for record in [*records, *writer.finish()]] == times


def test_the_best_quality_is_not_the_encoders_own() -> None:
    for codec in ("h264", "hevc", "vp9", "av1"):
        best, usual = SOFTWARE[codec].options(0, None), SOFTWARE[codec].options(None, None)
        assert size_of(codec, best) > size_of(codec, usual)


def size_of(codec: str, options: dict[str, str]) -> int:
    random = np.random.default_rng(0)
    stream = Stream(SOFTWARE[codec], options, 64, 64, Fraction(1, 25), Fraction(25), *PLAIN)  # type: ignore[index]
    writer = VideoEncoder(stream)
    records = []
    for pts in range(8):
        records += writer.push(random.integers(0, 256, (64, 64, 3), np.uint8), None, pts, 1)
    return sum(len(record.data) for record in [*records, *writer.finish()])
