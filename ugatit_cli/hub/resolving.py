"""From what the user calls a model to a verified file on this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..config import Direction
from ..errors import BadModelError, NetworkError, RefusedError, UsageError
from ..files import sha256_of
from ..tensorflow_files import find_index
from . import cached
from .first_uses import FirstUse, read_first_use, record_first_use
from .names import BY_HUB, MODEL_SUFFIXES, HubFile, interpret
from .registry import UNVERIFIED, RegistryEntry, read_own, read_registry
from .watching import Unwatched, Watcher

FOLDER_WEIGHTS = "weights.safetensors"  # what a model's folder, or a training run's, calls its weights
_GRAPH = "model.onnx"
_PREFERRED = (FOLDER_WEIGHTS, "model.safetensors", "generator.safetensors", _GRAPH)
_READABLE = tuple(suffix for suffix in MODEL_SUFFIXES if suffix not in (".h5", ".pkl", ".zip"))


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


def known_models(models: Path | None = None) -> dict[str, RegistryEntry]:
    """All rows by name: the program's (`models` is another folder than its own), and the user's."""
    registry = read_registry(models)
    return registry | {name: entry for name, entry in read_own().items() if name not in registry}


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
    return ResolvedModel(next((each for each in inside if each.is_file()), find_index(path) or path))


def _verified(entry: RegistryEntry) -> ResolvedModel:
    """A bundled or imported file, with what lies beside it."""
    hint = "install ugatit-cli again" if entry.place == "bundled" else f"import it again under the name {entry.name}"
    for path, expected in entry.local_files.items():
        try:
            digest = sha256_of(path)
        except OSError as error:
            text = f"cannot read the {entry.place} model {path}: {(error.strerror or str(error)).lower()}"
            raise BadModelError(text, hint=hint, name="model-missing") from error
        if digest != expected:
            text = f"refused the model {path}: its sha256 is {digest}, and {expected} is expected"
            raise RefusedError(text, hint=hint, name="model-checksum")
    first = next(iter(entry.local_files))
    return ResolvedModel(first, "" if entry.data_sha256 else entry.sha256, entry)


def _on_hub(entry: RegistryEntry, direction: Direction | None, watcher: Watcher) -> ResolvedModel:
    if entry.format == "tensorflow":
        from .tensorflow import fetch_generator

        path, sha256 = fetch_generator(entry, direction or entry.direction, watcher)
    else:
        path, sha256 = fetch(entry.hub_file, "" if entry.sha256 == UNVERIFIED else entry.sha256, watcher)
    return ResolvedModel(path, sha256, entry)


def fetch(asked: HubFile, sha256: str, watcher: Watcher) -> tuple[Path, str]:
    """A file of the Hub in the cache, and its sha256; no request is made where it is there already.

    `sha256` is what it must be; "" for what it was when it was first used, which is recorded if that is now.

    Raises:
        UsageError: the repository holds no model, or several.
        NetworkError, RefusedError, ResourceError, OutputError: as `resolve` does.
    """
    if sha256:
        return _cached(asked, sha256) or _fetch_new(asked, sha256, watcher)[0], sha256
    first = read_first_use(asked)
    if first is not None:
        return fetch(first.hub_file, first.sha256, watcher)
    path, file = _fetch_first(asked, watcher)
    digest = sha256_of(path)
    record_first_use(asked, FirstUse(file.repo, file.revision, file.file, digest))
    watcher.note(
        f"{asked}: unverified; its content is recorded and must stay as it is now (commit {file.revision[:12]})"
    )
    return path, digest


def _cached(asked: HubFile, sha256: str) -> Path | None:
    """What is in the cache already; `sha256` may be "" for what the cache itself calls it by.

    Raises:
        RefusedError: its content is another; it is removed.
    """
    from .download import check_content

    found = cached.find(asked)
    if found is None:
        return None
    try:
        check_content(found[0], asked, (sha256 or cached.digest_in_name(found[0]),))
    except RefusedError:
        cached.forget(found[0])
        raise
    return found[0]


def _fetch_first(asked: HubFile, watcher: Watcher) -> tuple[Path, HubFile]:
    """A file that was never used: by another program, perhaps, and so in the cache; `revision` is the commit then."""
    from .client import UnreachableError

    if asked.is_fixed and (found := _cached(asked, "")):
        return found, asked
    try:
        return _fetch_new(asked, "", watcher)
    except UnreachableError:
        known, path = cached.find(asked), _cached(asked, "")
        if known is None or path is None:
            raise
        watcher.note(
            f"{asked}: the Hub cannot be asked; what another program downloaded is used (commit {known[1][:12]})"
        )
        return path, HubFile(asked.repo, known[1], asked.file)


def _fetch_new(asked: HubFile, sha256: str, watcher: Watcher) -> tuple[Path, HubFile]:
    from .client import locate
    from .download import download

    file = asked if asked.file else HubFile(asked.repo, asked.revision, only_model(asked))
    remote = locate(file)
    return download(remote, sha256, watcher), HubFile(file.repo, remote.commit, file.file)


def only_model(asked: HubFile) -> str:
    """The file that a whole repository stands for.

    Raises:
        UsageError: there is none, or there are several and none is called as ours are.
    """
    from .client import list_files

    files = [name for name in list_files(asked) if name.lower().endswith(_READABLE)]
    preferred = next((name for name in _PREFERRED if name in files), None)
    safe = [name for name in files if name.endswith(".safetensors")]
    choices = [preferred] if preferred else safe if len(safe) == 1 else files
    if len(choices) == 1:
        return choices[0]
    if not choices:
        raise UsageError(f"{asked} holds no model that this program reads", name="hub-no-model")
    few = ", ".join(choices[:6]) + (f" and {len(choices) - 6} more" if len(choices) > 6 else "")
    text = f"{asked} holds several models: {few}"
    raise UsageError(text, hint=f"name one: hub:{asked}:{choices[0]}", name="hub-several-models")
