"""Which models there are, what of them is on this machine, and how to be rid of it again."""

from __future__ import annotations

import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from ..errors import BadModelError, RefusedError, UsageError
from ..files import PART_SUFFIX, sha256_of, writing
from . import cached
from .converted import begun_conversion_bytes, converted_files, remove_converted
from .first_uses import FirstUse, first_uses, forget_first_use, read_first_use
from .hub_file import HubFile
from .names import interpret, parse_hub_file
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
        begun_bytes: of downloads from its repository that broke off or go on just now.
        problem: why the row of an imported model cannot be read; then there is no entry.
    """

    name: str
    entry: RegistryEntry | None
    first: FirstUse | None
    files: tuple[LocalFile, ...]
    begun_bytes: int = 0
    problem: BadModelError | None = None

    @property
    def place(self) -> str:
        """`bundled`, `imported` or `hub`."""
        if self.problem is not None:
            return "imported"
        return self.entry.place if self.entry else "hub"

    @property
    def hub_file(self) -> HubFile | None:
        """What to ask the Hub for; None where it is not from there."""
        if self.place != "hub":
            return None
        return self.entry.hub_file if self.entry else parse_hub_file(self.name)

    @property
    def digests(self) -> dict[Path, str]:
        """The sha256 that each file must have: all of a bundled or imported model, and those that are here of one on the Hub."""
        if self.entry is not None and self.entry.path is not None:
            return self.entry.local_files
        return {file.path: file.sha256 for file in self.files}


def holdings(models: Path | None = None) -> list[Holding]:
    """All models with a name, then the repositories that were used by their address, or begun; no request is made.

    Raises:
        BadModelError: the program's registry or a record cannot be read.
    """
    named = [_of_row(name, row) for name, row in known_models(models).items()]
    known = {held.hub_file for held in named}
    used = named + [_of_address(asked) for asked in first_uses() if asked not in known]
    repos = {held.hub_file.repo for held in used if held.hub_file}
    return used + [_of_address(HubFile(repo)) for repo in cached.begun_repos() if repo not in repos]


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
    return _of_address(meant) if isinstance(meant, HubFile) else _of_row(meant, rows[meant])


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


def verify(held: Holding, path: Path) -> None:
    """Raises RefusedError where the content of one of its `digests` is not what it must be, or it cannot be read."""
    again = f"remove it with `ugatit models remove {held.name}`, and fetch it again"
    hint = held.entry.remedy if held.entry and held.place != "hub" else again
    try:
        found = sha256_of(path)
    except OSError as error:
        text = f"cannot read {path}: {(error.strerror or str(error)).lower()}"
        raise RefusedError(text, hint=hint, name="model-checksum") from error
    expected = held.digests[path]
    if found != expected:
        text = f"{path} was changed: its sha256 is {found}, and {expected} is expected"
        raise RefusedError(text, hint=hint, name="model-checksum")


def removable(word: str) -> Holding:
    """What `holding` gives, if it may be removed.

    Raises:
        UsageError: as `holding` does, or it came with the program, or nothing of it is here.
    """
    held = holding(word)
    if held.place == "bundled":
        text = f"{held.name} came with the program and is not removed"
        raise UsageError(text, name="model-bundled")
    if held.place == "hub" and not held.files and held.first is None and not held.begun_bytes:
        raise UsageError(f"nothing of {held.name} is on this machine", name="model-not-here")
    return held


def remove(held: Holding) -> int:
    """Take what is `removable` from this machine, and forget what it was when it was first used; the bytes that are free then.

    Raises:
        OutputError: a folder cannot be written.
    """
    if held.place == "imported":
        return _remove_folder(own_models_folder() / held.name)
    asked = held.hub_file
    assert asked is not None  # what is bundled is not removable
    if held.entry is not None and held.entry.format == "tensorflow":
        freed = remove_converted(held.entry.repo)
    else:
        freed = sum(cached.forget(file.path) for file in held.files)
    freed += cached.remove_begun(asked.repo)
    cached.remove_empty(asked.repo)
    forget_first_use(asked)
    return freed


def _remove_folder(folder: Path) -> int:
    """It loses its name at once: what a kill leaves of it is hidden, and some later import's to sweep. Of a link, the link goes."""
    if folder.is_symlink():
        with writing(folder):
            folder.unlink()
        return 0
    part = folder.with_name(f".{secrets.token_hex(6)}{PART_SUFFIX}")
    with writing(folder):
        freed = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        os.rename(folder, part)
    with writing(part):
        shutil.rmtree(part)
    return freed


def _of_row(name: str, row: RegistryEntry | BadModelError) -> Holding:
    return Holding(name, None, None, (), problem=row) if isinstance(row, BadModelError) else _of_entry(row)


def _of_entry(entry: RegistryEntry) -> Holding:
    if entry.path is not None:
        files = tuple(file for path, digest in entry.local_files.items() for file in _present(path, digest))
        return Holding(entry.name, entry, None, files)
    first, begun = read_first_use(entry.hub_file), _begun_bytes(entry.repo)
    if entry.format == "tensorflow":
        files = tuple(LocalFile(path, digest, path.stat().st_size) for path, digest in converted_files(entry.repo))
        return Holding(entry.name, entry, first, files, begun)
    asked = first.hub_file if first else entry.hub_file
    sha256 = entry.sha256 if entry.sha256 != UNVERIFIED else first.sha256 if first else ""
    return Holding(entry.name, entry, first, _in_cache(asked, sha256), begun)


def _of_address(asked: HubFile) -> Holding:
    first = read_first_use(asked)
    files = _in_cache(first.hub_file, first.sha256) if first else ()
    return Holding(str(asked), None, first, files, _begun_bytes(asked.repo))


def _begun_bytes(repo: str) -> int:
    return sum(cached.begun(repo).values()) + begun_conversion_bytes(repo)


def _in_cache(asked: HubFile, sha256: str) -> tuple[LocalFile, ...]:
    found = cached.find(asked) if sha256 else None
    return _present(found[0], sha256) if found else ()


def _present(path: Path, sha256: str) -> tuple[LocalFile, ...]:
    return (LocalFile(path, sha256, path.stat().st_size),) if path.is_file() else ()
