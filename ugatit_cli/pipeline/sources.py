"""Which pictures are meant: files, folders, patterns and standard input, as the command line names them."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInputError, RefusedError, UgatitError, UsageError
from ..video.kinds import is_video_name

if TYPE_CHECKING:
    from ..images import Picture

STREAM = "-"  # standard input, or standard output
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".webp", ".gif", ".bmp", ".dib", ".tif", ".tiff", ".avif"}
    | {".heic", ".heif"}
)
"""Names that a folder is searched for. HEIC cannot be read yet: it is reported rather than left out in silence."""

Identity = tuple[int, int]  # device and inode: the same however the path is spelled


@dataclass(frozen=True)
class Source:
    """One picture to read.

    Attributes:
        path: where it is; `-` for standard input.
        relative: its place below the folder or the pattern that it was found with; its name if it was named itself.
        folder: the folder argument that it was found in, if any.
        problem: why it cannot be read, where that is known already.
        picture: what was read, where that happened already.
        status: of the file when it was found; one that changes later is not what its translation will be made from.
    """

    path: Path
    relative: Path
    folder: Path | None = None
    problem: UgatitError | None = None
    picture: Picture | None = None
    status: os.stat_result | None = None


def find_sources(arguments: Sequence[str], *, recursive: bool, excluded: Collection[Path] = ()) -> list[Source]:
    """Every picture meant by `arguments`, in their order, each once; what is found by itself in folders of `excluded` is none.

    A file named by itself is taken whatever its name, and so is one whose name happens to look like a pattern.

    Raises:
        UsageError: something named does not exist.
    """
    skipped = {identity for folder in excluded if (identity := identity_of(folder))}
    found: dict[Path, Source] = {}
    for argument in arguments:
        for source in _expand(argument, recursive, skipped):
            found.setdefault(source.path, source)
    return list(found.values())


def read_now(source: Source) -> Source:
    """`source` with its picture, or with the problem that reading it met: to know before anything slow begins."""
    from .. import images

    try:
        if str(source.path) == STREAM:
            return replace(source, picture=images.decode(_standard_input(), "standard input"))
        return replace(source, picture=images.read(source.path))
    except UgatitError as error:
        return replace(source, problem=error)


def identity_of(path: Path) -> Identity | None:
    """What `path` leads to, links followed; None if nothing."""
    status = _status(path)
    return (status.st_dev, status.st_ino) if status else None


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except (OSError, ValueError):
        return None


def is_one_file(argument: str) -> bool:
    """Whether an argument names a single picture by itself, which need not be there: neither a folder nor a pattern."""
    is_pattern = glob.has_magic(argument) and not os.path.lexists(argument)
    return argument == STREAM or not (is_pattern or os.path.isdir(argument))


def _expand(argument: str, recursive: bool, skipped: set[Identity]) -> Iterator[Source]:
    path = Path(argument)
    if argument == STREAM:
        yield Source(path, Path("stdin"))
    elif os.path.isdir(argument):
        yield from _in_folder(path, recursive, skipped)
    elif os.path.lexists(argument):
        yield Source(path, Path(path.name), status=_status(path))
    elif glob.has_magic(argument):
        yield from _matches(argument, skipped)
    else:
        raise UsageError(f"{argument} does not exist", hint="check the path", name="input-missing")


def _standard_input() -> bytes:
    from ..images import MAX_BYTES

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "there is no picture on standard input", hint="ugatit translate - < photo.jpg", name="input-missing"
        )
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        text = f"cannot read standard input: it is too large (more than {MAX_BYTES >> 20} MB)"
        raise RefusedError(text, hint="make it smaller first", name="image-too-large")
    return data


def _matches(pattern: str, skipped: set[Identity]) -> Iterator[Source]:
    """Files that match; folders are not entered, since `**` says how deep to look.

    What lies in a folder of `skipped` is left out, unless the pattern names that folder.
    """
    base = _fixed_part(pattern)
    paths = [Path(name) for name in sorted(set(_glob(Path(pattern))))]
    known = [path for path in paths if _has_picture_name(path.name) or is_video_name(path.name)]
    unread = skipped - _around(base)
    allowed = {folder for folder in {path.parent for path in known} if unread.isdisjoint(_around(folder))}
    chosen = [path for path in known if path.parent in allowed and not os.path.isdir(path)]
    if not chosen:
        raise UsageError(f"no picture matches {pattern}", hint="check the pattern", name="input-missing")
    for path in chosen:
        relative = path.relative_to(base)
        yield Source(path, Path(path.name) if ".." in relative.parts else relative, status=_status(path))


def _around(folder: Path) -> set[Identity | None]:
    """The folder, and all that it lies in, however it is spelled."""
    real = Path(os.path.realpath(folder))
    return {identity_of(path) for path in (real, *real.parents)}


def _glob(pattern: Path, root: str = os.curdir) -> Iterator[str]:
    """As `glob.glob` with `recursive`, but `**` follows no links to folders, which can go round in circles."""
    if "**" not in pattern.parts:
        yield from (os.path.join(root, name) for name in glob.iglob(str(pattern), root_dir=root))
        return
    stars = pattern.parts.index("**")
    rest = Path(*(pattern.parts[stars + 1 :] or ("*",)))
    for top in _glob(Path(*pattern.parts[:stars]), root):
        for folder, below, _ in os.walk(top):
            below[:] = [name for name in below if not name.startswith(".")]
            yield from _glob(rest, folder)


def _fixed_part(pattern: str) -> Path:
    """The folders before the first wildcard."""
    fixed = Path(pattern).parent
    while glob.has_magic(str(fixed)):
        fixed = fixed.parent
    return fixed


def _in_folder(folder: Path, recursive: bool, skipped: set[Identity]) -> Iterator[Source]:
    """Pictures in the order of their names, a folder's own before its sub-folders'; links to folders are not followed."""
    waiting, empty, has_folders = [folder], True, False
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError as error:
            yield Source(here, here.relative_to(folder), folder, _cannot_look_into(here, error))
            empty = False
            continue
        entries = [entry for entry in entries if not entry.name.startswith(".")]
        below = [Path(entry.path) for entry in entries if os.path.isdir(entry.path) and not entry.is_symlink()]
        has_folders = has_folders or bool(below)
        if recursive:
            waiting += [path for path in reversed(below) if identity_of(path) not in skipped]
        for entry in entries:
            path = Path(entry.path)
            if _has_picture_name(entry.name) and not os.path.isdir(path):
                yield Source(path, path.relative_to(folder), folder, status=_status(path))
                empty = False
    if empty:
        yield Source(folder, Path(folder.name), folder, _no_images(folder, has_folders and not recursive))


def _has_picture_name(name: str) -> bool:
    """Partial downloads (`.part`, `.crdownload`) end in something else; hidden names are system files and leftovers."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURE_SUFFIXES


def _cannot_look_into(folder: Path, error: OSError) -> BadInputError:
    reason = (error.strerror or str(error)).lower()
    return BadInputError(f"cannot look into {folder}: {reason}", name="folder-unreadable")


def _no_images(folder: Path, has_folders: bool) -> BadInputError:
    hint = "add --recursive to look into its folders" if has_folders else ""
    return BadInputError(f"there are no images in {folder}", hint=hint, name="no-images")
