"""Golden numbers of the official TensorFlow code and of PaddleGAN: which checkpoints there are, and what they must give."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from golden_pytorch import Case, load_arrays

from ugatit_cli.config import Direction, GeneratorConfig

TENSORFLOW = {  # of `light` the size cannot be told, and is the default
    "light_smoothing": GeneratorConfig("light", 2, 4, 256, affine=True, unbiased=False, truncated=True),
    "light_nosmoothing": GeneratorConfig("light", 3, 4, 256, affine=True, unbiased=False, truncated=True),
    "full_smoothing": GeneratorConfig("full", 3, 4, 40, affine=True, unbiased=False, truncated=True),
    "full_nosmoothing": GeneratorConfig("full", 4, 4, 32, affine=True, unbiased=False, truncated=True),
}
OLDER = GeneratorConfig("light", 16, 4, 256, affine=True, unbiased=False, truncated=True)
PADDLE = GeneratorConfig("light", 16, 4, 256)
PADDLE_FILES = ("ppgan_ugatit_light_weight.pdparams", "single_state.pdparams")


@dataclass(frozen=True)
class Source:
    """A checkpoint, what is in it, and the numbers that belong to it."""

    path: Path
    config: GeneratorConfig
    numbers: Path


def tensorflow(shared: Path, name: str) -> Source:
    """`older_layout`, or one of TENSORFLOW."""
    if name == "older_layout":
        folder = shared / "golden" / "tensorflow_older_layout"
        return Source(folder, OLDER, folder / "io.npz")
    folder = shared / "golden" / "tensorflow" / name
    (checkpoint,) = (folder / "checkpoint").iterdir()
    return Source(checkpoint, TENSORFLOW[name], folder / "io.npz")


def cases(source: Source) -> Iterator[tuple[Direction, Case]]:
    """In our layout; weights are left out."""
    arrays = load_arrays(source.numbers)
    directions: tuple[Direction, ...] = ("a2b", "b2a")
    for direction in directions:
        if f"{direction}.image" not in arrays:
            continue
        image, heatmap = arrays[f"{direction}.image"].permute(0, 3, 1, 2), arrays[f"{direction}.heatmap"]
        heatmap = heatmap.reshape(len(image), 1, *heatmap.shape[-2:])
        yield direction, Case({}, arrays["input"].permute(0, 3, 1, 2), image, arrays[f"{direction}.cam_logit"], heatmap)


def paddle(shared: Path) -> Case:
    """Of A to B; it has no heat-map."""
    arrays = load_arrays(shared / "golden" / "paddle" / "io.npz")
    return Case({}, arrays["x"], arrays["y"], arrays["c"], arrays["x"].new_zeros(0))
