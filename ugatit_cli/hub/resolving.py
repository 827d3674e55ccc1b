"""From what the user calls a model to a verified file on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..config import Direction
from ..errors import BadModelError, NetworkError, RefusedError
from ..files import sha256_of
from ..tensorflow_files import find_index
from .fetching import FOLDER_WEIGHTS, fetch
from .hub_file import HubFile
from .names import BY_HUB, interpret
from .registry import UNVERIFIED, RegistryEntry, read_own, read_registry
from .watching import Unwatched, Watcher

_GRAPH = "model.onnx"


@dataclass(frozen=True)
class ResolvedModel:
    """A model file.

    Attributes:
        entry: its row, when it was asked for by name.
        sha256: of the file, where that was checked and there is no other; else "".
    """

    path: Path
    sha256: str = ""
    entry: RegistryEntry | None = None


def known_models(models: Path | None = None) -> dict[str, RegistryEntry | BadModelError]:
    """All rows by name: the program's (`models` is another folder than its own), and the user's, as `read_own` has them."""
    registry = read_registry(models)
    return registry | {name: row for name, row in read_own().items() if name not in registry}


def resolve(
    model: str,
    *,
    direction: Direction | None = None,
    models: Path | None = None,
    watcher: Watcher | None = None,
) -> ResolvedModel:
    """The file that `model`, a path, a name or a file on the Hub, stands for; everything but a path is verified.

    A folder stands for the weights in it, any part of a TensorFlow checkpoint for its index.
    What is on the Hub and not in the cache is downloaded, and `watcher` is told.
    `direction` counts where each is a file of its own; None is the model's default.

    Raises:
        UsageError: no such file or name, or more than one.
        BadModelError, NetworkError, RefusedError: the file is missing, or is not the one that is meant.
        NetworkError, ResourceError, OutputError: it cannot be downloaded or kept.
    """
    registry = known_models(models)
    meant = interpret(model, registry)
    if isinstance(meant, Path):
        return _at_path(meant)
    watcher = watcher or Unwatched()
    if isinstance(meant, HubFile):
        with _mentioning_paths(model):
            return ResolvedModel(*fetch(meant, "", watcher))
    entry = registry[meant]
    if isinstance(entry, BadModelError):
        raise entry
    return _on_hub(entry, direction, watcher) if entry.repo else _verified(entry)


@contextmanager
def _mentioning_paths(word: str) -> Iterator[None]:
    """Whoever mistyped a path did not mean the Hub."""
    try:
        yield
    except NetworkError as error:
        if word.startswith(BY_HUB):
            raise
        text = f"there is no file or folder {word} here, and on the Hub: {error.message}"
        raise NetworkError(text, hint=error.hint, name=error.name) from error


def _at_path(path: Path) -> ResolvedModel:
    inside = (path / name for name in (FOLDER_WEIGHTS, _GRAPH))
    return ResolvedModel(next((each for each in inside if os.path.isfile(each)), find_index(path) or path))


def _verified(entry: RegistryEntry) -> ResolvedModel:
    """A bundled or imported file, with what lies beside it."""
    for path, expected in entry.local_files.items():
        try:
            digest = sha256_of(path)
        except OSError as error:
            text = f"cannot read the {entry.place} model {path}: {(error.strerror or str(error)).lower()}"
            raise BadModelError(text, hint=entry.remedy, name="model-missing") from error
        if digest != expected:
            text = f"refused the model {path}: its sha256 is {digest}, and {expected} is expected"
            raise RefusedError(text, hint=entry.remedy, name="model-checksum")
    first = next(iter(entry.local_files))
    return ResolvedModel(first, "" if entry.data_sha256 else entry.sha256, entry)


def _on_hub(entry: RegistryEntry, direction: Direction | None, watcher: Watcher) -> ResolvedModel:
    if entry.format == "tensorflow":
        from .tensorflow import fetch_generator

        path, sha256 = fetch_generator(entry, direction or entry.direction, watcher)
    else:
        path, sha256 = fetch(entry.hub_file, "" if entry.sha256 == UNVERIFIED else entry.sha256, watcher)
    return ResolvedModel(path, sha256, entry)
