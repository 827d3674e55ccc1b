"""Encoders that refuse."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from ugatit_cli.errors import OutputError, UsageError
from ugatit_cli.video.colours import Colours
from ugatit_cli.video.encoders import SOFTWARE
from ugatit_cli.video.encoding import Stream, VideoEncoder, check_stream


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
