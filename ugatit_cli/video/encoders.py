"""Which encoder writes a codec here, and how it is told the quality."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Final

import av

from ..errors import UsageError
from .kinds import Codec

AVX512F: Final = 13  # OpenCV's number for it, which has no name in Python
X264_PRESETS: Final = (
    *("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow", "placebo"),
)


@dataclass(frozen=True)
class Encoder:
    """One way to write a codec.

    Attributes:
        name: FFmpeg's.
        crf: the usual quality, lower is better; `most_crf` the largest number there is.
        presets: from fast to small, and the usual one.
        fixed: options that are always given.
        least_crf: the best quality; numbers below it mean something else to the encoder.
        even: whether sides must be even for the usual 4:2:0; then odd ones are written as 4:4:4.
        holds_aspect: whether pixels that are not square can be written down.
        unsafe_widths: with these it writes outside its memory, and the whole program ends.
    """

    name: str
    crf: int
    most_crf: int
    presets: tuple[str, ...]
    preset: str
    crf_option: str = "crf"
    preset_option: str = "preset"
    fixed: tuple[tuple[str, str], ...] = ()
    least_crf: int = 0
    even: bool = True
    holds_aspect: bool = True
    unsafe_widths: range = range(0)

    def options(self, crf: int | None, preset: str | None) -> dict[str, str]:
        """Raises UsageError for a quality or preset that it does not know."""
        if crf is not None and crf > self.most_crf:
            text = f"--crf {crf} is too much for {self.name}: from 0 to {self.most_crf}"
            raise UsageError(text, hint=f"{self.crf} is usual", name="crf")
        if preset is not None and preset not in self.presets:
            hint = f"choose one of {', '.join(self.presets)}"
            raise UsageError(f"{self.name} has no preset {preset}", hint=hint, name="preset")
        quality = self.crf if crf is None else max(self.least_crf, crf)
        reproducible = {"x264-params": "asm=avx2"} if self.name == "libx264" and has_avx512() else {}
        chosen = {self.crf_option: str(quality), self.preset_option: preset or self.preset}
        return {**dict(self.fixed), **reproducible, **chosen}


SOFTWARE: Final[dict[Codec, Encoder]] = {
    "h264": Encoder("libx264", 18, 51, X264_PRESETS, "veryfast"),
    "hevc": Encoder(
        *("libx265", 22, 51, X264_PRESETS, "fast"),
        fixed=(("x265-params", "log-level=none"),),
        unsafe_widths=range(33, 64),  # seen from 34 to 48, at most heights
    ),
    "vp9": Encoder(
        *("libvpx-vp9", 28, 63, tuple(str(speed) for speed in range(8, -1, -1)), "4"),
        preset_option="cpu-used",
        fixed=(("b", "0"), ("row-mt", "1"), ("deadline", "good")),
        even=False,
        holds_aspect=False,
    ),
    "av1": Encoder(
        *("libsvtav1", 28, 63, tuple(str(speed) for speed in range(13, -1, -1)), "8"),
        least_crf=1,  # FFmpeg takes 0 for nothing said
        even=False,
        holds_aspect=False,
    ),
}
NVENC_PRESETS: Final = tuple(f"p{number}" for number in range(1, 8))
# its cq 0 leaves the quality to the encoder
NVENC: Final = (("rc", "vbr"), ("b", "0"))
HARDWARE: Final[dict[Codec, tuple[Encoder, ...]]] = {
    "h264": (Encoder("h264_nvenc", 20, 51, NVENC_PRESETS, "p5", crf_option="cq", fixed=NVENC, least_crf=1),),
    "hevc": (Encoder("hevc_nvenc", 23, 51, NVENC_PRESETS, "p5", crf_option="cq", fixed=NVENC, least_crf=1),),
    "av1": (
        Encoder(
            *("av1_nvenc", 28, 63, NVENC_PRESETS, "p5"),
            crf_option="cq",
            fixed=NVENC,
            least_crf=1,
            even=False,
            holds_aspect=False,
        ),
    ),
    "vp9": (),
}


def choose_encoder(codec: Codec, preset: str | None, width: int, height: int) -> Encoder:
    """One in hardware if it opens for that size and knows the preset; odd sizes need 4:4:4, which is left to software."""
    is_odd = width % 2 or height % 2
    for encoder in HARDWARE[codec]:
        if not is_odd and (preset is None or preset in encoder.presets) and opens(encoder, width, height):
            return encoder
    return SOFTWARE[codec]


@cache
def has_avx512() -> bool:
    """x264's code for it gives other bytes now and then (seen with core 165, macroblock trees on, several threads at work).

    A resumed film must equal one that was not interrupted, so it is left out, for a few hundredths of the speed.
    """
    try:
        import cv2
    except ImportError:  # most often libGL.so.1, on a machine without a screen
        return False
    return bool(cv2.checkHardwareSupport(AVX512F))


@cache
def opens(encoder: Encoder, width: int, height: int) -> bool:
    """Whether the encoder really works here: that FFmpeg lists it says nothing about the hardware, nor what is too small for it."""
    try:
        context = av.CodecContext.create(encoder.name, "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        context.options = encoder.options(None, None)
        context.open()
    except (av.FFmpegError, av.codec.codec.UnknownCodecError, ValueError):
        return False
    return True
