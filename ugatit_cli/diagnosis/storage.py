"""The places that are written: the program's cache, temporary files, and the disks they are on."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..cache import VARIABLE, cache_folder
from ..errors import ExitCode
from .findings import Finding, in_words, note, ok, problem

LEAST_FREE = 10**9
TRIAL_BYTES = 2**16
TEMPORARY_VARIABLES = ("TMPDIR", "TEMP", "TMP")


def storage_findings(least_free: int = LEAST_FREE) -> Iterator[Finding]:
    """`least_free`: bytes that a disk must have left."""
    cache = cache_folder()
    yield cache_finding(cache)
    yield from hub_cache_findings()
    temporary = temporary_folder()
    yield temporary_finding(temporary)
    yield from disk_findings([folder for folder in (_here(), cache, temporary) if folder is not None], least_free)


def cache_finding(cache: Path) -> Finding:
    refused = refusal(cache)
    if refused:
        text = f"the cache {cache} cannot be written: {refused}"
        remedy = f"set {VARIABLE} to a folder that can be written: export {VARIABLE}=/path/to/folder"
        return problem("cache-folder", text, remedy, ExitCode.OUTPUT, path=str(cache))
    count, size = _contents(cache)
    held = f"{count} file{'s' * (count != 1)}, {in_words(size)}" if count else "empty"
    text = f"cache {cache}: {held if cache.exists() else 'not there yet, can be made'}"
    return ok("cache-folder", text, path=str(cache), files=count, bytes=size)


def hub_cache_findings() -> Iterator[Finding]:
    """Where the Hugging Face client keeps its downloads, if it ever made any."""
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    folder = Path(os.environ.get("HF_HUB_CACHE") or Path(home, "hub")).expanduser()
    if not folder.is_dir():
        return
    refused = refusal(folder)
    models = sum(1 for _ in folder.glob("models--*"))
    text = f"Hugging Face cache {folder}: {models} model{'s' * (models != 1)}"
    if refused:
        yield note("hub-cache", f"{text}, and it cannot be written: {refused}", "export HF_HOME=/path/to/folder")
    else:
        yield ok("hub-cache", text, path=str(folder), models=models)


def temporary_folder() -> Path | None:
    """The one that is used; None where none can be written."""
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError:
        return None


def temporary_finding(folder: Path | None) -> Finding:
    name, wished = next(((each, os.environ[each]) for each in TEMPORARY_VARIABLES if os.environ.get(each)), ("", ""))
    refused = "no folder for them can be written" if folder is None else refusal(folder)
    if refused:
        text = f"temporary files cannot be written: {f'{folder}: ' if folder else ''}{refused}"
        return problem("temporary-folder", text, "export TMPDIR=/path/to/folder", ExitCode.OUTPUT)
    if wished and Path(wished).absolute() != folder:
        text = f"temporary files go to {folder}, as {name}={wished} cannot be written"
        return note("temporary-folder", text, f"unset {name}", path=str(folder))
    return ok("temporary-folder", f"temporary files in {folder}", path=str(folder))


def disk_findings(folders: list[Path], least_free: int) -> Iterator[Finding]:
    """One for each disk that any of the folders is on."""
    disks: dict[int, list[Path]] = {}
    for folder in dict.fromkeys(folders):
        disks.setdefault(_on_a_disk(folder).stat().st_dev, []).append(folder)
    for together in disks.values():
        usage = shutil.disk_usage(_on_a_disk(together[0]))
        text = f"{in_words(usage.free)} of {in_words(usage.total)} free on the disk of {', '.join(map(str, together))}"
        facts = {"paths": [str(folder) for folder in together], "free_bytes": usage.free, "bytes": usage.total}
        if usage.free < least_free:
            remedy = f"free some space, or choose another disk: export {VARIABLE}=/path/to/folder"
            yield problem("disk", text, remedy, ExitCode.RESOURCES, **facts)
        else:
            yield ok("disk", text, **facts)


def refusal(folder: Path) -> str:
    """Why no file can be written in `folder`, or where it would be made; "" if one can. Nothing is left behind."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)) as file:
            file.write(bytes(TRIAL_BYTES))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


def _nearest(folder: Path) -> Path:
    """The folder, or the first one above it that exists: a link that leads nowhere does, and no folder can be made there."""
    return next((path for path in (folder, *folder.parents) if os.path.lexists(path)), Path("."))


def _on_a_disk(folder: Path) -> Path:
    """The folder, or the first one above it that can be asked about its disk."""
    return next((path for path in (folder, *folder.parents) if os.path.exists(path)), Path("."))


def _here() -> Path | None:
    try:
        return Path.cwd()
    except OSError:  # somebody deleted it
        return None


def _contents(folder: Path) -> tuple[int, int]:
    """Files below `folder`, and their bytes."""
    count = size = 0
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):  # somebody else removed it, or gave it another name
                size += os.lstat(os.path.join(inside, name)).st_size
                count += 1
    return count, size
