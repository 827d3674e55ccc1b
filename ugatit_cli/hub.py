"""From a model's name to a verified file on this machine; reads models/registry.toml."""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from .config import Direction
from .errors import BadModelError, RefusedError, UsageError

DEFAULT_MODEL = "portrait2toon"
BY_NAME = "registry:"  # what makes a word a name beyond doubt, as "./" makes it a path
REGISTRY_FILE = "registry.toml"
FOLDER_WEIGHTS = "weights.safetensors"  # what a model's folder, or a training run's, calls its weights
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MODEL_SUFFIXES = (
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


@dataclass(frozen=True)
class RegistryEntry:
    """One model's row in the registry.

    Attributes:
        file: where it is, relative to the models folder.
        sha256, bytes: of that file.
        direction: the way it translates when nothing else is asked for.
        domain_a, domain_b: what the pictures of either side are, in two or three words.
        framing: the `--fit` it looks best with.
        license, source: of the weights, and where they come from.
    """

    name: str
    file: str
    format: str
    sha256: str
    bytes: int
    direction: Direction
    domain_a: str
    domain_b: str
    variant: str
    image_size: int
    framing: str
    license: str
    source: str


@dataclass(frozen=True)
class ResolvedModel:
    """A model file, and its row when it was asked for by name."""

    path: Path
    entry: RegistryEntry | None


def models_folder() -> Path:
    """The bundled models: inside the package in an installed wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / "models"
    return inside if (inside / REGISTRY_FILE).is_file() else package.parent / "models"


def read_registry(models: Path | None = None) -> dict[str, RegistryEntry]:
    """All rows by name; `models` is another folder than the program's own.

    Raises:
        BadModelError: the registry is missing or a row in it is wrong.
    """
    path = (models or models_folder()) / REGISTRY_FILE
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadModelError(f"cannot read the list of models {path}: {error}", name="registry-damaged") from error
    return {name: _entry(name, table, path) for name, table in tables.items()}


def _entry(name: str, table: Any, path: Path) -> RegistryEntry:
    known = {field.name: field for field in fields(RegistryEntry) if field.name != "name"}
    if not isinstance(table, dict) or set(table) != set(known):
        wrong = sorted(set(known) ^ set(table)) if isinstance(table, dict) else [name]
        raise BadModelError(
            f"{path}: the row {name} lacks or does not know {', '.join(wrong)}", name="registry-damaged"
        )
    entry = RegistryEntry(name=name, **table)
    if not _SHA256.fullmatch(str(entry.sha256)):
        raise BadModelError(f"{path}: the sha256 of {name} must be 64 hexadecimal digits", name="registry-damaged")
    if entry.direction not in get_args(Direction):
        raise BadModelError(f"{path}: the direction of {name} must be a2b or b2a", name="registry-damaged")
    return entry


def resolve(model: str, *, models: Path | None = None) -> ResolvedModel:
    """The file that `model`, a path or a name in the registry, stands for; bundled files are verified.

    A folder stands for the weights in it. A word that is both is not guessed at: `./word` is the path, `registry:word` the model.

    Raises:
        UsageError: no such file or name, or both.
        BadModelError, RefusedError: the bundled file is missing or is not the one the registry means.
    """
    registry = read_registry(models)
    name = model.removeprefix(BY_NAME)
    exists = os.path.lexists(model)  # a broken link exists too: opening it says what is wrong with it
    if name == model and name in registry and exists:
        text = f"{model} is both a model's name and a file or folder here"
        raise UsageError(
            text, hint=f"write ./{model} for the file, {BY_NAME}{model} for the model", name="model-ambiguous"
        )
    if name in registry:
        return ResolvedModel(_verified(registry[name], models or models_folder()), registry[name])
    if exists:
        inside = Path(model) / FOLDER_WEIGHTS
        return ResolvedModel(inside if inside.is_file() else Path(model), None)
    raise _not_found(model, sorted(registry))


def _verified(entry: RegistryEntry, models: Path) -> Path:
    path = models / entry.file
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        text = f"cannot read the bundled model {path}: {(error.strerror or str(error)).lower()}"
        raise BadModelError(text, hint="install ugatit-cli again", name="model-missing") from error
    if digest != entry.sha256:
        text = f"refused the model {path}: its sha256 is {digest}, and {entry.sha256} is expected"
        raise RefusedError(text, hint="install ugatit-cli again", name="model-checksum")
    return path


def _not_found(model: str, names: list[str]) -> UsageError:
    if "/" in model or os.sep in model or model.lower().endswith(_MODEL_SUFFIXES):
        return UsageError(f"the model {model} does not exist", hint="check the path", name="model-missing")
    close = difflib.get_close_matches(model.removeprefix(BY_NAME), names, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"known models: {', '.join(names)}; a path works too"
    return UsageError(f"there is no model named {model}", hint=hint, name="model-unknown")
