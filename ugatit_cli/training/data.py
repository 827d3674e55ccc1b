"""Two unpaired folders -> batches. A batch is a pure function of (seed, step), so a resume needs no data state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import images
from ..errors import BadInputError, UsageError
from ..pipeline.sources import PICTURE_SUFFIXES
from .config import TrainConfig

DOMAIN_A, DOMAIN_B = 0, 1
MOST_READERS = 8  # pictures that are read at a time

Pixels = NDArray[np.uint8]
Each = Callable[[Callable[[int], Pixels], Iterable[int]], Iterable[Pixels]]


class Batch(NamedTuple):
    """Real pictures of both domains, N x 3 x H x W in [-1, 1]."""

    real_a: Tensor
    real_b: Tensor


def list_pictures(
    folder: Path,
    endings: Collection[str] = PICTURE_SUFFIXES,
    *,
    hint: str = "--a and --b each name a folder of pictures",
) -> list[Path]:
    """What is called a picture in `folder` and below, sorted; nothing hidden. Not all of it need be readable.

    `hint` is for whoever named another thing.

    Raises:
        UsageError: there is no such folder.
        BadInputError: it is something else, or has no pictures.
    """
    if not folder.exists():
        raise UsageError(f"{folder} does not exist", hint=hint, name="input-missing")
    if not folder.is_dir():
        raise BadInputError(f"{folder} is not a folder", hint=hint, name="data-no-folder")
    found = sorted(p for p in folder.rglob("*") if _is_shown(p.relative_to(folder), endings) and not p.is_dir())
    if not found:
        raise BadInputError(
            f"{folder} holds no images", hint="put pictures (jpg, png, webp ...) into it", name="data-folder-empty"
        )
    return found


def _is_shown(place: Path, endings: Collection[str]) -> bool:
    return place.suffix.lower() in endings and not any(part.startswith(".") for part in place.parts)


def to_tensor(pixels: Pixels) -> Tensor:
    """uint8 (..., H, W, 3) -> float (..., 3, H, W) in [-1, 1], as the official code normalises."""
    planes = torch.from_numpy(np.ascontiguousarray(np.moveaxis(pixels, -1, -3)))
    return (planes.float() / 255 - 0.5) / 0.5


@dataclass(frozen=True)
class UnpairedFolders:
    """Domain A and domain B, each shuffled on its own, pass after pass."""

    config: TrainConfig
    paths_a: list[Path]
    paths_b: list[Path]
    process: int = 0  # which of all processes this is: each takes its share of every step's pictures
    processes: int = 1
    order: int = 0  # another number is another shuffle

    def batch(self, step: int, each: Each = map) -> Batch:
        """The batch of update `step` (from 1); `each` reads the pictures of a domain, as `map` would."""
        return Batch(self._domain(self.paths_a, DOMAIN_A, step, each), self._domain(self.paths_b, DOMAIN_B, step, each))

    def batches(self, first_step: int) -> Iterator[Batch]:
        """The batches from `first_step` to the last, the next one read while one is used."""
        with (
            ThreadPoolExecutor(min(self.config.batch_size, MOST_READERS), thread_name_prefix="ugatit-picture") as pool,
            ThreadPoolExecutor(1, thread_name_prefix="ugatit-data") as reader,
        ):
            following = reader.submit(self.batch, first_step, pool.map)
            for step in range(first_step + 1, self.config.steps + 2):
                batch = following.result()
                if step <= self.config.steps:
                    following = reader.submit(self.batch, step, pool.map)
                yield batch

    def _domain(self, paths: list[Path], domain: int, step: int, each: Each) -> Tensor:
        size = self.config.batch_size
        first = ((step - 1) * self.processes + self.process) * size
        positions = range(first, first + size)
        return to_tensor(np.stack(list(each(partial(self._picture, paths, domain), positions))))

    def _picture(self, paths: list[Path], domain: int, position: int) -> Pixels:
        """The official augmentation: resize with a margin, random crop, random mirror."""
        config = self.config
        turn, index = divmod(position, len(paths))
        order = np.random.default_rng((config.seed, domain, turn, self.order)).permutation(len(paths))
        random = np.random.default_rng((config.seed, domain, 2**32, position))
        pixels = images.resize(images.read(paths[order[index]]).pixels, config.load_size, config.load_size)
        top, left = random.integers(0, config.load_size - config.size + 1, 2)
        crop = pixels[top : top + config.size, left : left + config.size]
        return crop[:, ::-1] if random.random() < 0.5 else crop
