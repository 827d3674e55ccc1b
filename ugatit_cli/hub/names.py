"""What the word after `--model` means: a model's name, a path, or a file on the Hub. Never a guess."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Collection
from pathlib import Path

from ..errors import UsageError
from ..tensorflow_files import find_index
from .cached import storage_of
from .hub_file import MAIN, HubFile

BY_NAME = "registry:"  # what makes a word a name beyond doubt, as "./" makes it a path
BY_HUB = "hub:"  # and what makes it a repository
MODEL_SUFFIXES = (
    ".safetensors",
    ".pt",
    ".pth",
    ".ckpt",
    ".bin",
    ".onnx",
    ".pdparams",
    ".index",
    ".zip",
    ".h5",
    ".pkl",
)
_PART = r"[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_])?"
_BRANCH = r"\w[\w.-]*(?:/\w[\w.-]*)*"  # or tag or commit; the cache keeps a file of that name
_HUB_FILE = re.compile(rf"(?P<repo>{_PART}/{_PART})(?:@(?P<revision>{_BRANCH}))?(?::(?P<file>.+))?", re.ASCII)
_PATH_PART = re.compile(r"[^\x00-\x1f\x7f\\:]+")
_MAX_PATH = 255


def is_safe_path(path: str) -> bool:
    """Whether it stays inside the folder that it is relative to, on every system."""
    parts = path.split("/")
    inside = all(_PATH_PART.fullmatch(part) and part.strip(" .") for part in parts)
    return inside and len(path) <= _MAX_PATH


def parse_hub_file(word: str) -> HubFile | None:
    """`owner/repo[@revision][:file]`; None for anything else."""
    match = _HUB_FILE.fullmatch(word)
    if match is None or ".." in word or "--" in match["repo"]:
        return None
    file, revision = match["file"] or "", match["revision"] or MAIN
    return HubFile(match["repo"], revision, file) if not file or is_safe_path(file) else None


def label(word: str) -> str:
    """What to call a model in the names of files, unless it is a path: its name, or its repository's."""
    file = None if os.path.lexists(word) else parse_hub_file(word.removeprefix(BY_HUB))
    return word.removeprefix(BY_NAME) if file is None else file.repo.partition("/")[2]


def interpret(word: str, names: Collection[str]) -> str | Path | HubFile:
    """One of `names`, a path that exists, or a file on the Hub.

    Raises:
        UsageError: it is none of them, or more than one.
    """
    name = word.removeprefix(BY_NAME)
    if name != word:
        return _known(name, word, names)
    if word.startswith(BY_HUB):
        return _hub_file(word)
    # a broken link exists too: opening it says what is wrong with it; a TensorFlow checkpoint goes by a name that no file has
    exists = os.path.lexists(word) or find_index(Path(word)) is not None
    if word in names:
        if exists:
            raise _ambiguous(word, "a model's name", BY_NAME, "the model")
        return word
    file = parse_hub_file(word)
    if exists:
        if file is not None and _is_in_hub_cache(file.repo):
            raise _ambiguous(word, "a repository of the Hub in the cache", BY_HUB, "the repository")
        return Path(word)
    return _missing(word, file, names)


def _known(name: str, word: str, names: Collection[str]) -> str:
    if name not in names:
        raise _unknown(word, name, names)
    return name


def _hub_file(word: str) -> HubFile:
    file = parse_hub_file(word.removeprefix(BY_HUB))
    if file is None:
        text = f"{word} is no file on the Hub"
        raise UsageError(text, hint="write hub:owner/repository, or hub:owner/repository:file", name="hub-name")
    return file


def _is_in_hub_cache(repo: str) -> bool:
    return storage_of(repo).is_dir()


def _ambiguous(word: str, other: str, prefix: str, meaning: str) -> UsageError:
    text = f"{word} is both {other} and a file or folder here"
    hint = f"write ./{word} for the file, {prefix}{word} for {meaning}"
    return UsageError(text, hint=hint, name="model-ambiguous")


def _missing(word: str, file: HubFile | None, names: Collection[str]) -> HubFile:
    """What does not exist here may be on the Hub, unless it looks like a path that was mistyped."""
    looks_like_file = word.lower().endswith(MODEL_SUFFIXES) and (file is None or not file.file)
    if file is not None and not looks_like_file:
        if not os.path.isdir(file.repo.partition("/")[0]):
            return file
        text = f"the model {word} does not exist in that folder"
        hint = f"check the path, or write {BY_HUB}{word} if you mean the Hub"
        raise UsageError(text, hint=hint, name="model-missing")
    if "/" in word or os.sep in word or looks_like_file:
        raise UsageError(f"the model {word} does not exist", hint="check the path", name="model-missing")
    raise _unknown(word, word, names)


def _unknown(word: str, name: str, names: Collection[str]) -> UsageError:
    close = difflib.get_close_matches(name, names, n=3)
    known = f"known models: {', '.join(sorted(names))}; a path works too, and owner/repository on the Hub"
    hint = f"did you mean {' or '.join(close)}?" if close else known
    return UsageError(f"there is no model named {word}", hint=hint, name="model-unknown")
