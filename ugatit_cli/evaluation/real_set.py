"""A set of real pictures and its features, computed once and used for every measurement against it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import images
from ..errors import BadInputError, RefusedError, UgatitError, UsageError
from .distances import FEWEST
from .features import FeatureNetwork, extract

DIGEST_DIGITS = 8


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        size: side in pixels to which pictures are squeezed before they are translated or compared.
        batch_size: pictures that go through a network together.
        seed: of the subsets, of the confidence interval and of the order of the pictures.
        subset_size, subsets: of KID; where there are fewer pictures, a subset has fewer.
        paper_kid: whether to compute the paper's averaged KID, too.
    """

    size: int
    batch_size: int = 8
    seed: int = 0
    subset_size: int = 1000
    subsets: int = 100
    paper_kid: bool = False


@dataclass(frozen=True, eq=False)
class RealSet:
    """Pictures that could be read, in a random order of their own.

    Attributes:
        paths: their files.
        features: float64 (N, d), row by row as `paths`.
        measured_by: what the features depend on: network, size and seed.
        digest: of all pixels, in this order.
        skipped: a sentence for each picture that could not be read.
        folder: below which a picture's place belongs to its name; None where the names of files are all there is.
    """

    paths: tuple[Path, ...]
    features: Tensor
    measured_by: tuple[str, int, int]
    digest: str
    skipped: tuple[str, ...]
    folder: Path | None = None

    @classmethod
    def read(
        cls, paths: Sequence[Path], features: FeatureNetwork, settings: Settings, folder: Path | None = None
    ) -> RealSet:
        """Read, resize and describe all pictures, which lie in `folder` or below, if that is given.

        Raises:
            BadInputError: fewer than two can be read.
        """
        order = np.random.default_rng(settings.seed).permutation(len(paths))
        read: list[Path] = []
        skipped: list[UgatitError] = []
        parts: list[Tensor] = []
        digest = hashlib.sha256()
        for some in batched(_read_all((paths[i] for i in order), settings.size, read, skipped), settings.batch_size):
            pictures = np.stack(some)
            digest.update(pictures.tobytes())
            parts.append(extract(features, pictures))
        if len(read) < FEWEST:
            raise _too_few(paths, skipped)
        measured_by = (features.name, settings.size, settings.seed)
        messages = tuple(error.message for error in skipped)
        digits = digest.hexdigest()[:DIGEST_DIGITS]
        return cls(tuple(read), torch.cat(parts), measured_by, digits, messages, folder)

    def name(self, path: Path) -> Path:
        """Without ending; equal names in two sets make a pair."""
        return (path.relative_to(self.folder) if self.folder else Path(path.name)).with_suffix("")

    @property
    def by_name(self) -> dict[Path, Path]:
        """Files by name; one that two files share says nothing about which is meant, and is left out."""
        counts = Counter(map(self.name, self.paths))
        return {name: path for path in self.paths if counts[name := self.name(path)] == 1}


def read_picture(path: Path, size: int) -> NDArray[np.uint8]:
    """uint8 (size, size, 3); raises as `images.read` does."""
    return images.resize(images.read(path).pixels, size, size)


def batched(items: Iterable[NDArray[np.uint8]], size: int) -> Iterator[list[NDArray[np.uint8]]]:
    batch: list[NDArray[np.uint8]] = []
    for item in items:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def _read_all(
    paths: Iterable[Path], size: int, read: list[Path], skipped: list[UgatitError]
) -> Iterator[NDArray[np.uint8]]:
    """The pictures that can be read; notes which ones those were."""
    for path in paths:
        try:
            picture = read_picture(path, size)
        except (BadInputError, RefusedError, UsageError) as error:  # the last: a link to nothing
            skipped.append(error)
        else:
            read.append(path)
            yield picture


def _too_few(paths: Sequence[Path], skipped: Sequence[UgatitError]) -> BadInputError:
    folder = f" in {paths[0].parent}" if paths else ""
    if paths and len(skipped) == len(paths):
        return BadInputError(
            f"none of the {len(paths)} pictures{folder} can be read; the first: {skipped[0].message}",
            hint=skipped[0].hint,
            name=skipped[0].name,
        )
    return BadInputError(
        f"{len(paths) - len(skipped)} readable picture(s){folder}, and {FEWEST} are the least that can be measured",
        hint="add pictures: some dozens say something, some hundreds more",
        name="evaluation-too-few",
    )
