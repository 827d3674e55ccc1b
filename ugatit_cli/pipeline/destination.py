"""What `-o` and `--format` mean for the inputs at hand: a file, a folder, standard output, or a place beside the input."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..errors import UsageError
from ..video.kinds import ANIMATIONS, CONTAINERS, is_video_name, suffix_of, writable_suffix
from .sources import PICTURE_SUFFIXES, STREAM, Source, is_one_file

FORMATS = {
    "png": "PNG",
    "jpg": "JPEG",
    "jpeg": "JPEG",
    "webp": "WEBP",
    "avif": "AVIF",
    "tif": "TIFF",
    "tiff": "TIFF",
    "bmp": "BMP",
}
"""Endings that can be written; `images.WRITABLE`, known without loading what decodes pictures (a test compares)."""
DEFAULT_FORMAT = "png"
Extra = Literal["heatmap", "compare"]


@dataclass(frozen=True)
class OutputOptions:
    """What the command line says.

    Attributes:
        out: a file, a folder, or `-` for standard output; None means beside the input.
        format: a key of `FORMATS` that every output gets; None keeps the input's.
        label: the model's, for names that are made up here.
        extras: the kinds of pictures that are written beside each result.
    """

    out: str | None
    format: str | None
    label: str
    extras: tuple[Extra, ...] = ()


@dataclass(frozen=True)
class Destination:
    """Where results go.

    Attributes:
        kind: `stream` is standard output, `beside` next to each input.
        path: of the file or folder.
        folders: for each folder argument, the folder that mirrors it.
    """

    kind: Literal["stream", "file", "folder", "beside"]
    options: OutputOptions
    path: Path = Path()
    folders: Mapping[Path, Path] = field(default_factory=dict)

    @property
    def roots(self) -> set[Path]:
        """The output folders, which are never read and each have a journal."""
        return {self.path} if self.kind == "folder" else set(self.folders.values())

    def place(self, source: Source) -> tuple[Path, Path | None]:
        """(the file for the translation of `source`, the root that it lies in, if any); not for `stream`."""
        if self.kind == "file":
            return self.path, None
        stem, ending = _split(source.relative.name, self.options.format)
        relative = source.relative.with_name(stem + ending)
        if self.kind == "folder":
            top = self.path if source.folder is None else self.folders[source.folder]
            return top / relative, self.path
        if source.folder is not None:
            return self.folders[source.folder] / relative, self.folders[source.folder]
        return source.path.with_name(f"{stem}.{self.options.label}{ending}"), None


def _split(name: str, wanted: str | None) -> tuple[str, str]:
    """(stem, ending) of the output's name: the input's own ending if that can be written and is not unwanted."""
    stem, ending = os.path.splitext(name)
    if is_video_name(name):
        return stem, writable_suffix(name)
    kind = FORMATS.get(ending[1:].lower())
    if kind is not None and (wanted is None or FORMATS[wanted] == kind):
        return stem, ending
    known = ending.lower() in PICTURE_SUFFIXES  # in "holiday.2024" the dot is no ending
    return (stem if known else name), f".{wanted or DEFAULT_FORMAT}"


def choose_destination(arguments: Sequence[str], options: OutputOptions) -> Destination:
    """Raises UsageError where `-o`, `--format` and the inputs contradict each other."""
    out, alone = options.out, len(arguments) == 1 and is_one_file(arguments[0])
    if STREAM in arguments and len(arguments) > 1:
        raise UsageError("- (standard input) cannot be mixed with other inputs", name="input-mixed")
    if out == STREAM or (out is None and arguments[0] == STREAM):
        return _stream(alone, options, is_film=is_video_name(arguments[0]))
    folders = [Path(argument) for argument in arguments if argument != STREAM and os.path.isdir(argument)]
    if out is None:
        beside = {folder: _beside(folder, options.label) for folder in folders}
        return Destination("beside", options, folders=beside)
    ending = suffix_of(out)
    if (
        (ending in PICTURE_SUFFIXES or ending in CONTAINERS)
        and not out.endswith(("/", os.sep))
        and not os.path.isdir(out)
    ):
        return _file(out, alone, options, is_film=is_video_name(arguments[0]))
    if arguments[0] == STREAM:
        hint = f"name the file: -o {os.path.join(out, 'drawing.png')}"
        raise UsageError("a picture from standard input has no name", hint=hint, name="output-nameless")
    # several folders keep their names, as with cp -r: the 1.jpg of each must not become one file
    several = len(arguments) > 1
    mirrors = {folder: Path(out, Path(os.path.abspath(folder)).name if several else "") for folder in folders}
    return Destination("folder", options, Path(out), mirrors)


def _stream(alone: bool, options: OutputOptions, *, is_film: bool) -> Destination:
    if not alone:
        raise UsageError("standard output takes one picture", hint="name a folder with -o", name="output-one-file")
    if is_film:
        raise UsageError("a film goes through no pipe", hint="name a file with -o", name="film-pipe")
    if options.extras:
        text = f"--{options.extras[0]} needs a result in a file, to be written beside it"
        raise UsageError(text, hint="name the result with -o", name="output-nameless")
    return Destination("stream", options)


def _file(out: str, alone: bool, options: OutputOptions, *, is_film: bool) -> Destination:
    ending, wanted = suffix_of(out)[1:], options.format
    if not alone:
        hint = f"for a folder of that name write -o {out}{os.sep}"
        raise UsageError(f"{out} is one file, and there can be several inputs", hint=hint, name="output-one-file")
    if is_film and (f".{ending}" in CONTAINERS or f".{ending}" in ANIMATIONS):
        return Destination("file", options, Path(out))
    if ending not in FORMATS:
        hint = f"choose one of {', '.join(FORMATS)}"
        raise UsageError(f"cannot write {ending} files", hint=hint, name="format-unknown")
    if wanted is not None and FORMATS[wanted] != FORMATS[ending]:
        hint = "leave --format out, or change the name's ending"
        raise UsageError(f"{out} and --format {wanted} contradict each other", hint=hint, name="format-contradiction")
    return Destination("file", options, Path(out))


def _beside(folder: Path, label: str) -> Path:
    source = named(folder)
    if not source.name:
        raise UsageError(f"there is no place beside {source}", hint="name a folder with -o", name="output-nameless")
    return source.with_name(f"{source.name}-{label}")


def named(path: Path) -> Path:
    """`path`, in full where it ends in no name: `.`, `..`"""
    return path if path.name not in ("", "..") else Path(os.path.abspath(path))
