"""The end of the pipeline: translated pictures become files, whole or not at all, and records in the journal."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

from .. import framing, images
from ..errors import OutputError, UgatitError
from ..files import write_atomically, write_error
from .journal import Journal, record_of
from .outcomes import Failure, Outcome, Written
from .pictures import STOPS_THE_RUN, Translation
from .plan import Job, Kind
from .settings import Settings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

# what the system says about one name, and not about the folder or the disk
ONE_NAME_ERRORS = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EEXIST, errno.EISDIR, errno.ENOTDIR})
ONE_PICTURE_ERRORS = frozenset({"format-limit", "output-exists"})
NAMES: Final[Mapping[Kind, str]] = {"result": "translation", "heatmap": "heat-map", "compare": "comparison"}


@dataclass(frozen=True)
class Encoded:
    """A picture file's bytes, and the width and height that it must show when it is opened again."""

    data: bytes
    size: tuple[int, int]


@dataclass(frozen=True)
class Writer:
    """Writes the outputs of translated pictures.

    Attributes:
        journals: of the output folders; outputs elsewhere are not recorded.
        keep_existing: leave a target alone that is there already, instead of failing over it.
    """

    settings: Settings
    journals: Mapping[Path, Journal]
    keep_existing: bool = False

    def __call__(self, item: Translation | Failure) -> Outcome:
        """Raises UgatitError for what would hit the next picture as well."""
        if isinstance(item, Failure):
            return item
        begun = perf_counter()
        try:
            encoded = self._encode(item)
            files = {kind: path for kind, path in item.job.targets.items() if self._write(item, path, encoded[kind])}
        except UgatitError as error:
            if error.exit_code in STOPS_THE_RUN and not _is_about_this_picture(error):
                raise
            return Failure(item.job.source.path, error)
        data = None if item.job.targets else encoded["result"].data
        return Written(item.job, files, item.notes, item.seconds + perf_counter() - begun, data)

    def _encode(self, item: Translation) -> dict[Kind, Encoded]:
        """The result first: the rest is made of it or of the source."""
        assert item.output is not None
        to, framed = self.settings.output_size, item.framed
        result = framing.restore(item.output, framed, to=to)
        alpha = None if item.alpha is None else framing.source_part(item.alpha, framed, to=to)
        encoded: dict[Kind, Encoded] = {"result": self._file("result", result, item.job, alpha)}
        if item.source is None:
            return encoded
        source = framing.source_part(item.source, framed, to=to)
        if "heatmap" in item.job.targets:
            assert item.heatmap is not None
            overlay = images.heatmap_overlay(source, visible_heatmap(item.heatmap, item.framed))
            encoded["heatmap"] = self._file("heatmap", overlay, item.job)
        if "compare" in item.job.targets:
            encoded["compare"] = self._file("compare", images.side_by_side(source, result), item.job)
        return encoded

    def _file(self, kind: Kind, pixels: images.Pixels, job: Job, alpha: images.Pixels | None = None) -> Encoded:
        height, width = pixels.shape[:2]
        try:
            data = images.encode(pixels, format=job.format, quality=self.settings.quality, alpha=alpha)
        except OutputError as error:
            text = f"cannot write the {NAMES[kind]} of {job.source.path}: {error.message}"
            hint = error.hint if kind == "result" else f"leave --{kind} out, or take another --format"
            raise OutputError(text, hint=hint, name=error.name) from error
        return Encoded(data, (width, height))

    def _write(self, item: Translation, target: Path, encoded: Encoded) -> bool:
        """Whether it was written."""
        if os.path.lexists(target) and not item.job.replace:
            if self.keep_existing:
                return False
            text = f"{target} appeared while this run was under way, and is left as it is"
            raise OutputError(text, hint="--overwrite replaces it", name="output-exists")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(target.parent, error) from error
        write_atomically(target, encoded.data, check=partial(self._check, item, target, encoded))
        return True

    def _check(self, item: Translation, target: Path, encoded: Encoded, part: Path) -> None:
        """The last step before the file gets its name: it opens, and the journal knows it."""
        images.check_picture(part, encoded.size)
        if item.origin is not None and item.job.root is not None:
            self.journals[item.job.root].add(target, record_of(part, item.job.source.path, item.origin))


def visible_heatmap(heatmap: NDArray[np.float32], framed: framing.Framed) -> NDArray[np.float32]:
    """The attention on the picture itself, without the padding around it."""
    left, top, right, bottom = framed.content
    height, width = framed.pixels.shape[:2]
    return images.enlarge_heatmap(heatmap, width, height)[top:bottom, left:right]


def _is_about_this_picture(error: UgatitError) -> bool:
    """Whether the next picture may well succeed."""
    cause = error.__cause__
    return error.name in ONE_PICTURE_ERRORS or (isinstance(cause, OSError) and cause.errno in ONE_NAME_ERRORS)
