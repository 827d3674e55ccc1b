"""Which models there are, what of them is on this machine, and how to be rid of it again."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import RefusedError, UsageError
from ..files import sha256_of
from . import cached
from .converted import converted_files, remove_converted
from .first_uses import FirstUse, first_uses, forget_first_use, read_first_use
from .hub_file import HubFile
from .names import interpret
from .places import own_models_folder
from .registry import UNVERIFIED, RegistryEntry
from .resolving import ResolvedModel, known_models, resolve


@dataclass(frozen=True)
class LocalFile:
    """A file on this machine and the sha256 that it must have; `bytes` is its size."""

    path: Path
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Holding:
    """A model that has a name or was used by its address.

    Attributes:
        name: what to write after `--model`.
        entry: None for a repository that was used by its address.
        first: what it was when it was first used, for what nobody pinned.
        files: those that are here.
    """

    name: str
    entry: RegistryEntry | None
    first: FirstUse | None
    files: tuple[LocalFile, ...]

    @property
    def place(self) -> str:
        """`bundled`, `imported` or `hub`."""
        return self.entry.place if self.entry else "hub"


def holdings(models: Path | None = None) -> list[Holding]:
    """All models with a name, then the repositories that were used by their address; no request is made.

    Raises:
        BadModelError: the registry or a record cannot be read.
    """
    rows = known_models(models)
    named = [_of_entry(entry) for entry in rows.values()]
    known = {str(entry.hub_file) for entry in rows.values() if entry.repo}
    return named + [_of_address(asked) for asked in first_uses() if str(asked) not in known]


def holding(word: str, models: Path | None = None) -> Holding:
    """What a name or an address stands for.

    Raises:
        UsageError: it is a path, or nothing that is known.
    """
    rows = known_models(models)
    meant = interpret(word, rows)
    if isinstance(meant, Path):
        text = f"{word} is a file or folder of yours, not a model with a name"
        raise UsageError(text, hint="see `ugatit models list` for the names", name="model-no-name")
    return _of_address(meant) if isinstance(meant, HubFile) else _of_entry(rows[meant])


def expect(word: str) -> ResolvedModel:
    """What `resolve` will give, and nothing is fetched for it: the path of what is not here is its address.

    Raises:
        UsageError, BadModelError, RefusedError: as `resolve` does.
    """
    meant = interpret(word, known_models())
    if isinstance(meant, Path):
        return resolve(word)
    held = holding(word)
    if held.place != "hub" or held.files:
        return resolve(word)
    return ResolvedModel(Path(held.name), entry=held.entry)


def verify(file: LocalFile) -> None:
    """Raises RefusedError where its content is not what it must be, or it cannot be read."""
    try:
        found = sha256_of(file.path)
    except OSError as error:
        text = f"cannot read {file.path}: {(error.strerror or str(error)).lower()}"
        raise RefusedError(text, name="model-checksum") from error
    if found != file.sha256:
        text = f"{file.path} was changed: its sha256 is {found}, and {file.sha256} is expected"
        raise RefusedError(text, hint="remove it with `ugatit models remove` and fetch it again", name="model-checksum")


def remove(held: Holding) -> int:
    """Take it from this machine, and forget what it was when it was first used; the bytes that are free then.

    Raises:
        UsageError: it came with the program, or nothing of it is here.
    """
    if held.place == "bundled":
        text = f"{held.name} came with the program and is not removed"
        raise UsageError(text, name="model-bundled")
    if held.place == "imported":
        freed = sum(file.bytes for file in held.files)
        shutil.rmtree(own_models_folder() / held.name)
        return freed
    if not held.files and held.first is None:
        raise UsageError(f"nothing of {held.name} is on this machine", name="model-not-here")
    return _remove_from_caches(held)


def _remove_from_caches(held: Holding) -> int:
    if held.entry is not None and held.entry.format == "tensorflow":
        freed = remove_converted(held.entry.repo)
    else:
        freed = sum(cached.forget(file.path) for file in held.files)
    asked = held.entry.hub_file if held.entry else _asked(held)
    cached.remove_empty(asked.repo)
    forget_first_use(asked)
    return freed


def _asked(held: Holding) -> HubFile:
    meant = interpret(f"hub:{held.name}", ())
    assert isinstance(meant, HubFile)  # as the prefix says
    return meant


def _of_entry(entry: RegistryEntry) -> Holding:
    if entry.path is not None:
        files = tuple(file for path, digest in entry.local_files.items() for file in _present(path, digest))
        return Holding(entry.name, entry, None, files)
    first = read_first_use(entry.hub_file)
    if entry.format == "tensorflow":
        files = tuple(LocalFile(path, digest, path.stat().st_size) for path, digest in converted_files(entry.repo))
        return Holding(entry.name, entry, first, files)
    asked = first.hub_file if first else entry.hub_file
    sha256 = entry.sha256 if entry.sha256 != UNVERIFIED else first.sha256 if first else ""
    return Holding(entry.name, entry, first, _in_cache(asked, sha256))


def _of_address(asked: HubFile) -> Holding:
    first = read_first_use(asked)
    return Holding(str(asked), None, first, _in_cache(first.hub_file, first.sha256) if first else ())


def _in_cache(asked: HubFile, sha256: str) -> tuple[LocalFile, ...]:
    found = cached.find(asked) if sha256 else None
    return _present(found[0], sha256) if found else ()


def _present(path: Path, sha256: str) -> tuple[LocalFile, ...]:
    return (LocalFile(path, sha256, path.stat().st_size),) if path.is_file() else ()
