"""One file of the Hub: from the cache, or downloaded, and checked either way."""

from __future__ import annotations

from pathlib import Path

from ..errors import BadModelError, RefusedError, UsageError
from ..files import sha256_of
from ..graph.reading import is_graph
from ..model_file import naming, open_model
from ..tensorflow_files import find_index
from . import cached
from .environment import SetupError
from .first_uses import FirstUse, read_first_use, record_first_use
from .hub_file import HubFile
from .names import MODEL_SUFFIXES
from .watching import Watcher

FOLDER_WEIGHTS = "weights.safetensors"  # what a model's folder, or a training run's, calls its weights
_PREFERRED = (FOLDER_WEIGHTS, "model.safetensors", "generator.safetensors", "model.onnx")
_READABLE = tuple(suffix for suffix in MODEL_SUFFIXES if suffix not in (".h5", ".pkl", ".zip"))


def fetch(asked: HubFile, sha256: str, watcher: Watcher, *, alone: bool = True) -> tuple[Path, str]:
    """A file of the Hub in the cache, and its sha256; no request is made where it is there already.

    `sha256` is what it must be; "" for what it was when it was first used, which is recorded if that is now. It must be
    a model `alone`, unless whoever asks gets the rest, too.

    Raises:
        UsageError: the repository holds no model, or several.
        BadModelError: it keeps its weights in other files.
        NetworkError, RefusedError, ResourceError, OutputError: as `resolve` does.
    """
    if sha256:
        return find_fetched(asked, sha256) or _fetch_new(asked, sha256, watcher)[0], sha256
    first = read_first_use(asked)
    if first is not None:
        return fetch(first.hub_file, first.sha256, watcher)
    path, file = _fetch_first(asked, watcher)
    if alone:
        _check_alone(path, file)
    digest = sha256_of(path)
    record_first_use(asked, FirstUse(file.repo, file.revision, file.file, digest))
    watcher.note(
        f"{asked}: unverified; its content is recorded and must stay as it is now (commit {file.revision[:12]})"
    )
    return path, digest


def _check_alone(path: Path, file: HubFile) -> None:
    """Raises BadModelError where it is a model together with other files only."""
    if find_index(path) is not None or (is_graph(path) and _has_weights_elsewhere(path)):
        text = f"cannot use {file}: it keeps its weights in other files, and of a repository one file is fetched"
        hint = f"download them together: `hf download {file.repo} --local-dir FOLDER`"
        raise BadModelError(text, hint=hint, name="hub-several-files")


def _has_weights_elsewhere(graph: Path) -> bool:
    from ..graph.outline import read_outline
    from ..graph.tensors import is_external, tensors_of

    with naming(graph), open_model(graph) as file:
        return any(map(is_external, tensors_of(read_outline(file).graph)))


def find_fetched(asked: HubFile, sha256: str) -> Path | None:
    """What is in the cache already, None where it is not; `sha256` may be "" for what the cache itself calls it by.

    Raises:
        RefusedError: its content is damaged; it is removed.
    """
    from .download import check_content, digest_like

    found = cached.find(asked)
    if found is None:
        return None
    path, theirs = found[0], cached.digest_in_name(found[0])
    try:
        check_content(path, asked, (sha256 or theirs,))
    except RefusedError:
        if theirs and digest_like(path, theirs) == theirs:
            return None  # whole, but of another commit: some other program's
        cached.forget(path)
        raise
    return path


def _fetch_first(asked: HubFile, watcher: Watcher) -> tuple[Path, HubFile]:
    """A file that was never used: by another program, perhaps, and so in the cache; `revision` is the commit then."""
    from .client import UnreachableError

    if asked.is_fixed and (found := find_fetched(asked, "")):
        return found, asked
    try:
        return _fetch_new(asked, "", watcher)
    except (SetupError, UnreachableError):
        known, path = cached.find(asked), find_fetched(asked, "")
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
