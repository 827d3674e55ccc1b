"""Which files make up a TensorFlow checkpoint, `NAME.index` and `NAME.data-00000-of-00001`, and what their folder tells."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import struct
from pathlib import Path

from .errors import BadModelError, UsageError

TABLE_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)  # the last bytes of every index
SUFFIX = ".index"
_BESIDE = re.compile(r"(.+)\.(data-\d{5}-of-\d{5}|meta)")
_OFFICIAL_FOLDER = re.compile(r"UGATIT(_light)?_.+_\d+resblock_\d+dis_.+")
_SMOOTHING = "_smoothing"


def find_index(path: Path) -> Path | None:
    """The index of the checkpoint that `path` means; None where it means none.

    A checkpoint is meant by any of its files, by the name that they share, and by the folder that holds it alone.

    Raises:
        UsageError: the folder holds several.
        BadModelError: there is no index beside the data.
    """
    if os.path.isdir(path):
        return _only_index(path)
    if os.path.isfile(path):
        return path if _is_index(path) else _index_beside(path)
    shared = path.with_name(path.name + SUFFIX)
    return shared if _is_index(shared) else None


def data_file(index: Path, shard: int, shards: int) -> Path:
    """Number `shard` of the files that the tensors lie in."""
    return index.with_name(f"{index.name.removesuffix(SUFFIX)}.data-{shard:05}-of-{shards:05}")


def says_smoothing(index: Path) -> bool | None:
    """Whether it was trained with `--smoothing`, which only the folder's name tells; None for a name of somebody else's."""
    folder = Path(os.path.abspath(index)).parent.name  # not resolved: a cache may keep the files elsewhere
    return folder.endswith(_SMOOTHING) if _OFFICIAL_FOLDER.fullmatch(folder) else None


def takes_smoothing(index: Path) -> bool:
    """The same with the official program's default, which is yes."""
    return says_smoothing(index) is not False


def digest(index: Path, *, smoothing: bool) -> str:
    """What stands for the checkpoint's sha256: that of its index, which has a checksum of every tensor, of `smoothing`, and
    of its data files' sizes: one that is cut off holds less.

    Raises OSError.
    """
    shared = index.name.removesuffix(SUFFIX)
    found = sorted(path for path in index.parent.glob(f"{glob.escape(shared)}.data-*") if path.is_file())
    sizes = "".join(f"{path.name.removeprefix(shared)}:{path.stat().st_size}" for path in found)
    return hashlib.sha256(index.read_bytes() + sizes.encode() + (_SMOOTHING.encode() if smoothing else b"")).hexdigest()


def _is_index(path: Path) -> bool:
    if not os.path.isfile(path):  # opening a pipe would wait
        return False
    try:
        with path.open("rb") as file:
            file.seek(-len(TABLE_MAGIC), os.SEEK_END)
            return file.read() == TABLE_MAGIC
    except OSError:  # not readable, or shorter: whoever opens it will say so
        return False


def _index_beside(path: Path) -> Path | None:
    named = _BESIDE.fullmatch(path.name)
    if named is None:
        return None
    index = path.with_name(named[1] + SUFFIX)
    if not _is_index(index):
        text = f"cannot use the model {path}: it is a part of a TensorFlow checkpoint without its index {index.name}"
        raise BadModelError(text, hint="put the index beside it", name="model-incomplete")
    return index


def _only_index(folder: Path) -> Path | None:
    found = sorted(path for path in folder.glob(f"*{SUFFIX}") if _is_index(path))
    if len(found) > 1:
        text = f"the folder {folder} holds {len(found)} TensorFlow checkpoints"
        raise UsageError(text, hint=f"name one of them: {', '.join(map(str, found[-2:]))} ...", name="model-ambiguous")
    return found[0] if found else None
