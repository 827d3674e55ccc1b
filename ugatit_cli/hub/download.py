"""One file from the Hub into the shared cache: resumed where it stopped, and named only once its digest is right."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ..errors import NetworkError, RefusedError, ResourceError
from ..files import sha256_of, writing
from ..model_file import MAX_BYTES
from .cached import PART_SUFFIX, blob_path, lock_path, locked, name_blob
from .client import Body, InterruptedTransferError, RemoteFile, open_body
from .hub_file import DIGEST, HubFile
from .patience import persist
from .watching import Watcher

_SHA256_DIGITS = 64
_PIECE = 1 << 20


def download(remote: RemoteFile, sha256: str, watcher: Watcher) -> Path:
    """The file's place in the cache; its content is what the Hub announced and, where that is known, `sha256`.

    Raises:
        NetworkError: the Hub cannot deliver; what came is kept for the next time.
        RefusedError: the content is another; nothing of it is kept.
        ResourceError, OutputError: the disk is full, or cannot be written.
    """
    etag = remote.etag or sha256
    if DIGEST.fullmatch(etag) is None:
        text = f"cannot fetch {remote.file}: the Hub does not say its digest, so it could not be verified"
        raise NetworkError(text, hint="check HF_ENDPOINT", name="hub-no-digest")
    blob = blob_path(remote.file.repo, etag)
    with writing(blob):
        blob.parent.mkdir(parents=True, exist_ok=True)
        with locked(lock_path(remote.file.repo, etag), str(remote.file), watcher):
            if blob.is_file():  # from whichever program: whole, it stays theirs, also where it is not what is wanted
                _keep_if_right(blob, remote, (etag,))
                check_content(blob, remote.file, (sha256,))
            else:
                os.replace(_fetch_verified(remote, blob, sha256, watcher), blob)
            return name_blob(blob, remote.file, remote.commit)


def _fetch_verified(remote: RemoteFile, blob: Path, sha256: str, watcher: Watcher) -> Path:
    """The whole file under a name of ours; what an earlier run left there gets no second chance."""
    part = blob.with_name(blob.name + PART_SUFFIX)
    resumed = part.is_file()
    _fetch(remote, part, watcher)
    try:
        _keep_if_right(part, remote, (sha256, remote.etag))
    except RefusedError:
        if not resumed:
            raise
        _fetch(remote, part, watcher)
        _keep_if_right(part, remote, (sha256, remote.etag))
    return part


def _keep_if_right(path: Path, remote: RemoteFile, digests: tuple[str, ...]) -> None:
    try:
        check_content(path, remote.file, digests)
    except RefusedError:
        path.unlink()
        raise


def check_content(path: Path, file: HubFile, digests: tuple[str, ...]) -> None:
    """Raises RefusedError where one of the digests, sha256 or git's sha1, is not the content's; "" is none."""
    for expected in filter(None, digests):
        found = digest_like(path, expected)
        if found != expected:
            text = f"refused {file}: its digest is {found}, and {expected} is expected"
            raise RefusedError(text, hint="try again, or distrust its source", name="hub-checksum")


def digest_like(path: Path, expected: str) -> str:
    """The sha256 of a file, or git's sha1, whichever `expected` is."""
    return sha256_of(path) if len(expected) == _SHA256_DIGITS else _git_sha1_of(path)


def _git_sha1_of(path: Path) -> str:
    """How git calls a small file: the sha1 of its content behind a header."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _fetch(remote: RemoteFile, part: Path, watcher: Watcher) -> None:
    """Fill `part` to the announced size, in as many attempts as bring something."""
    size = remote.size or 0
    done = part.stat().st_size if part.is_file() else 0
    if remote.size is not None and done > remote.size:
        part.unlink()
        done = 0
    check_room(part.parent, size - done, str(remote.file))
    with watcher.transfer(str(remote.file), size, done) as advance:
        persist(lambda: _append(remote, part, advance), lambda: part.stat().st_size if part.is_file() else 0)


def check_room(folder: Path, needed: int, name: str) -> None:
    """Raises ResourceError where the disk has less than `needed` bytes, RefusedError where no model needs so many."""
    if needed > MAX_BYTES:
        raise RefusedError(f"refused {name}: {needed >> 30} GiB are more than any model needs", name="model-too-large")
    free = shutil.disk_usage(folder).free
    if needed > free:
        text = f"cannot fetch {name}: {needed / 1e6:,.0f} MB are needed, and {free / 1e6:,.0f} MB are free in {folder}"
        raise ResourceError(text, hint="free some space, or set HF_HOME to a larger disk", name="disk-full")


def _append(remote: RemoteFile, part: Path, advance: Callable[[int], None]) -> None:
    """One attempt: what is missing, or everything where the server sends nothing less."""
    limit = MAX_BYTES if remote.size is None else remote.size
    with part.open("ab") as file:
        if remote.size is not None and file.tell() == remote.size:
            return
        with open_body(remote, file.tell()) as body:
            _check_length(remote, body, file.tell())
            if body.start != file.tell():
                advance(-file.tell())
                file.seek(0)
                file.truncate()
            for chunk in body.chunks:
                file.write(chunk[: limit - file.tell()])
                advance(len(chunk))
        count = file.tell()
    if remote.size is not None and count < remote.size:
        text = f"cannot fetch {remote.file}: {count:,} of {remote.size:,} bytes came"
        raise InterruptedTransferError(text, hint="try again; what is there is kept", name="hub-interrupted")


def _check_length(remote: RemoteFile, body: Body, wanted: int) -> None:
    """Raises NetworkError where something else begins to come, such as the page of a hotel that wants a password."""
    whole = None if body.length is None else body.start + body.length
    known = whole is not None and remote.size is not None
    if body.start not in (0, wanted) or (known and whole != remote.size):
        sizes = f" ({whole:,} bytes, not {remote.size:,})" if known else ""
        text = f"cannot fetch {remote.file}: what the server sends is not the file{sizes}"
        raise NetworkError(text, hint="check HF_ENDPOINT, the proxy and the firewall", name="hub-answer")
