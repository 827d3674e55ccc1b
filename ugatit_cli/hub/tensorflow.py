"""One generator out of a TensorFlow checkpoint on the Hub: a seventh of its bytes, kept as our weights in half precision."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..config import Direction
from ..errors import BadModelError, RefusedError
from ..files import remove_old_parts, sha256_of, writing
from ..tensorflow_files import data_file, takes_smoothing
from .cached import locked
from .client import RemoteFile, locate
from .converted import Converted, lock_of, part_of, path_of, read_converted, record_converted
from .download import check_room
from .fetching import fetch
from .first_uses import read_first_use
from .hub_file import HubFile
from .registry import UNVERIFIED, RegistryEntry
from .spans import SpanFile, plan_spans
from .watching import Watcher

if TYPE_CHECKING:
    from ..weights.tensorflow_index import TensorIndex

ABOUT = ("license", "source", "domain_a", "domain_b")  # what the weights say about themselves


def fetch_generator(entry: RegistryEntry, direction: Direction, watcher: Watcher) -> tuple[Path, str]:
    """The weights of one direction, and their sha256; downloaded and converted where that was not done yet.

    The index is pinned, or recorded at its first use; it names the checksum of every tensor.

    Raises:
        BadModelError: the checkpoint does not hold that generator.
        NetworkError, RefusedError, ResourceError, OutputError: as `hub.resolve` does.
    """
    index_path, source = fetch(entry.hub_file, "" if entry.sha256 == UNVERIFIED else entry.sha256, watcher, alone=False)
    path = path_of(entry.repo, direction)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock_of(entry.repo, direction), entry.name, watcher):
            remove_old_parts(path.parent)
            record = read_converted(entry.repo, direction)
            if record is None or record.source != source:
                commit = _commit_of(entry)
                record = Converted(commit, source, _make(_Wanted(entry, commit, direction), index_path, watcher))
                record_converted(entry.repo, direction, record)
            else:
                _check(path, record)
    return path, record.sha256


def _check(path: Path, record: Converted) -> None:
    digest = sha256_of(path)
    if digest != record.sha256:
        path.unlink()
        text = f"refused {path}: its sha256 is {digest}, and {record.sha256} is expected"
        raise RefusedError(text, hint="the file was removed; the next call makes it anew", name="model-checksum")


@dataclass(frozen=True)
class _Wanted:
    """One generator of one commit."""

    entry: RegistryEntry
    commit: str
    direction: Direction

    def remote(self, index: TensorIndex, shard: int, end: int) -> RemoteFile:
        """The data file with that number, which must reach as far as byte `end`."""
        found = locate(
            HubFile(self.entry.repo, self.commit, data_file(Path(self.entry.file), shard, index.shards).as_posix())
        )
        if found.size is not None and found.size < end:
            text = f"{found.file} is incomplete: it has {found.size:,} bytes, and {end:,} are needed"
            raise BadModelError(text, name="model-incomplete")
        return found


def _commit_of(entry: RegistryEntry) -> str:
    first = read_first_use(entry.hub_file)
    return first.commit if first else entry.revision


def _make(wanted: _Wanted, index_path: Path, watcher: Watcher) -> str:
    """Download, convert, save; the sha256 of what was saved."""
    from ..weights import official_tensorflow
    from ..weights.tensorflow_index import read_index

    index = read_index(index_path.read_bytes())
    entries = official_tensorflow.wanted(index, wanted.direction)
    spans = plan_spans(entries)
    ends = {span.shard: span.stop for span in spans}
    path = path_of(wanted.entry.repo, wanted.direction)
    part = SpanFile(part_of(wanted.entry.repo, wanted.direction), spans, entries)
    check_room(
        path.parent, part.total - part.done + sum(entry.size for entry in entries.values()) // 2, wanted.entry.name
    )
    remotes = {shard: wanted.remote(index, shard, end) for shard, end in ends.items()} if part.done < part.total else {}
    part.fetch(remotes, f"{wanted.entry.name} ({wanted.direction})", watcher)
    _convert(wanted, index, part, path)
    part.remove()
    return sha256_of(path)


def _convert(wanted: _Wanted, index: TensorIndex, part: SpanFile, path: Path) -> None:
    """The one large matrix is turned piece by piece, and everything is kept in half precision."""
    import torch

    from .. import weights
    from ..weights import official_tensorflow

    entry, direction = wanted.entry, wanted.direction
    smoothing = takes_smoothing(Path(entry.file))
    generator = official_tensorflow.read_generator(
        index, direction, part.read, smoothing=smoothing, dtype=torch.float16
    )
    about = {key: str(getattr(entry, key)) for key in ABOUT} | {"model": entry.name, "commit": wanted.commit}
    config = official_tensorflow.detect(index, direction)
    weights.save(path, config, {direction: generator}, metadata=about, half=True)
