"""The cache that all programs of the Hugging Face family share: `blobs/` by digest, `snapshots/COMMIT/` with names for them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ..files import writing
from .environment import reading_environment
from .hub_file import COMMIT, DIGEST, HubFile
from .watching import Watcher

PART_SUFFIX = ".ugatit.incomplete"
_PATIENCE_SECONDS = 0.5  # before somebody is told that another program is at it


def storage_of(repo: str) -> Path:
    """The repository's folder; it need not exist. Raises SetupError where the environment keeps it from being known."""
    with reading_environment():
        from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE, f"models--{repo.replace('/', '--')}")


def blob_path(repo: str, etag: str) -> Path:
    return storage_of(repo) / "blobs" / etag


def snapshot_path(repo: str, commit: str, file: str) -> Path:
    return storage_of(repo) / "snapshots" / commit / file


def find(file: HubFile) -> tuple[Path, str] | None:
    """A file that is in the cache, and its commit; of a branch, as it was when somebody last asked."""
    commit = file.revision
    if not COMMIT.fullmatch(commit):
        try:
            commit = (storage_of(file.repo) / "refs" / file.revision).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            return None
        if not COMMIT.fullmatch(commit):
            return None
    path = snapshot_path(file.repo, commit, file.file)
    return (path, commit) if path.is_file() else None


def digest_in_name(path: Path) -> str:
    """The digest that the blob behind a snapshot's name is called by; "" where the cache holds copies."""
    blob = Path(os.path.realpath(path))
    return blob.name if blob.parent.name == "blobs" and DIGEST.fullmatch(blob.name) else ""


def name_blob(blob: Path, file: HubFile, commit: str) -> Path:
    """Give a whole and verified blob its name in the snapshot of `commit`; a branch or tag remembers the commit."""
    path = snapshot_path(file.repo, commit, file.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    link = path.with_name(f".{os.getpid()}{PART_SUFFIX}")
    with suppress(FileNotFoundError):
        link.unlink()
    try:
        link.symlink_to(os.path.relpath(blob, path.parent))
    except OSError:  # Windows allows links to few users: the file itself goes there
        os.replace(blob, link)
    os.replace(link, path)
    if file.revision != commit:
        _remember(storage_of(file.repo) / "refs" / file.revision, commit)
    return path


def _remember(reference: Path, commit: str) -> None:
    reference.parent.mkdir(parents=True, exist_ok=True)
    part = reference.with_name(f".{os.getpid()}{PART_SUFFIX}")
    part.write_text(commit, encoding="utf-8")
    os.replace(part, reference)


def forget(path: Path) -> int:
    """Remove one snapshot's name and, if no other leads there, its blob; the bytes that are free then. Raises OutputError."""
    blob = Path(os.path.realpath(path))
    size = blob.stat().st_size if blob.is_file() else 0
    with writing(path):
        path.unlink(missing_ok=True)
    if blob.parent.name != "blobs":
        return size
    snapshots = blob.parent.parent / "snapshots"
    if any(Path(os.path.realpath(other)) == blob for other in snapshots.rglob("*") if other.is_symlink()):
        return 0
    with writing(blob):
        blob.unlink(missing_ok=True)
    return size


def begun(repo: str) -> dict[Path, int]:
    """Our downloads that broke off or go on just now, and how many bytes of each came."""
    found = {}
    for part in sorted((storage_of(repo) / "blobs").glob(f"*{PART_SUFFIX}")):
        with suppress(FileNotFoundError):  # it was finished meanwhile
            found[part] = part.stat().st_size
    return found


def begun_repos() -> list[str]:
    """Those with downloads of ours that are `begun`."""
    parts = storage_of("*/*").parent.glob(f"{storage_of('*/*').name}/blobs/*{PART_SUFFIX}")
    folders = sorted({part.parent.parent.name for part in parts})
    return [folder.removeprefix("models--").replace("--", "/", 1) for folder in folders]


def remove_begun(repo: str) -> int:
    """What is `begun`, but for what goes on just now; the bytes that are free then. Raises OutputError."""
    freed = 0
    for part, size in begun(repo).items():
        with writing(part), ExitStack() as stack:
            if lock_if_free(lock_path(repo, part.name.removesuffix(PART_SUFFIX)), stack):
                part.unlink(missing_ok=True)
                freed += size
    return freed


def remove_empty(repo: str) -> None:
    """The repository's folder, if there is no file in it."""
    storage = storage_of(repo)
    names = (path for path in (storage / "snapshots").rglob("*") if not path.is_dir() or path.is_symlink())
    if not any(names) and not any((storage / "blobs").glob("*")):
        shutil.rmtree(storage, ignore_errors=True)


def lock_path(repo: str, etag: str) -> Path:
    """Where all programs that share the cache lock one blob."""
    storage = storage_of(repo)
    return storage.parent / ".locks" / storage.name / f"{etag}.lock"


def lock_if_free(path: Path, stack: ExitStack) -> bool:
    """Alone with what `path` locks for as long as `stack` lasts; False where another program is at it. Raises OSError."""
    from huggingface_hub.utils import WeakFileLock

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        stack.enter_context(WeakFileLock(path, timeout=_PATIENCE_SECONDS))
    except TimeoutError:
        return False
    return True


@contextmanager
def locked(path: Path, name: str, watcher: Watcher) -> Iterator[None]:
    """Alone with what `path` locks, among all processes; `name` is what they wait for."""
    from huggingface_hub.utils import WeakFileLock

    with ExitStack() as stack:
        if not lock_if_free(path, stack):
            watcher.note(f"another program is downloading {name}: waiting for it")
            stack.enter_context(WeakFileLock(path))
        yield
