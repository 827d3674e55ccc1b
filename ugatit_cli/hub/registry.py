"""The models that have a name: one row each in models/registry.toml, and one for each that the user imported."""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from ..config import Direction
from ..errors import BadModelError
from ..model_file import DATA_SUFFIX
from .hub_file import COMMIT, MAIN, HubFile
from .names import is_safe_path
from .places import own_models_folder

DEFAULT_MODEL = "portrait2toon"
REGISTRY_FILE = "registry.toml"
OWN_ROW = "model.toml"  # in the folder of a model that the user imported under a name
UNVERIFIED = "unverified"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class RegistryEntry:
    """One model's row in the registry.

    Attributes:
        file: where it is: relative to the models folder, or in the repository.
        format: `safetensors` (ours), `onnx`, or `tensorflow` (a checkpoint, named by its index).
        sha256, bytes: of that file; `unverified` where nobody could pin it, and then the bytes that are fetched, about.
        direction: the way it translates when nothing else is asked for.
        domain_a, domain_b: what the pictures of either side are, in two or three words.
        framing: the `--fit` it looks best with.
        license, source: of the weights, and where they come from.
        repo, revision: of a model on the Hub: its repository, and the commit there or `unverified`.
        face: of a model of faces: how its pictures show them, as `faces.face.FaceFraming` has it; else empty.
        face_only: whether they show a face and little else, so that a picture's faces are translated, not the whole of it.
        data_sha256: of the weights that an imported graph keeps beside it; "" where there are none.
        folder: where a local model's `file` is; None for one on the Hub.
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
    repo: str = ""
    revision: str = ""
    face: tuple[float, ...] = ()
    face_only: bool = False
    data_sha256: str = ""
    folder: Path | None = None

    @property
    def path(self) -> Path | None:
        """The file of a bundled or an imported model."""
        return None if self.folder is None else self.folder / self.file

    @property
    def local_files(self) -> dict[Path, str]:
        """Those of a bundled or an imported model, and the sha256 that each must have."""
        if self.path is None:
            return {}
        data = {self.path.with_name(self.path.name + DATA_SUFFIX): self.data_sha256} if self.data_sha256 else {}
        return {self.path: self.sha256} | data

    @property
    def place(self) -> str:
        """`hub`, `bundled` or `imported`."""
        if self.repo:
            return "hub"
        return "imported" if self.folder is not None and own_models_folder() in self.folder.parents else "bundled"

    @property
    def remedy(self) -> str:
        """What to do where a file of a bundled or an imported model is missing, or another than it must be."""
        return "install ugatit-cli again" if self.place == "bundled" else _import_again(self.name)

    @property
    def pinned(self) -> bool:
        """Whether the commit and the digest are known beforehand."""
        return UNVERIFIED not in (self.sha256, self.revision)

    @property
    def hub_file(self) -> HubFile:
        """What to ask the Hub for."""
        return HubFile(self.repo, self.revision if self.revision != UNVERIFIED else MAIN, self.file)


def models_folder() -> Path:
    """The bundled models: inside the package in an installed wheel, beside it in a checkout."""
    package = Path(__file__).resolve().parents[1]
    inside = package / "models"
    return inside if (inside / REGISTRY_FILE).is_file() else package.parent / "models"


def read_registry(models: Path | None = None) -> dict[str, RegistryEntry]:
    """The program's rows by name; `models` is another folder than its own.

    Raises:
        BadModelError: the registry is missing or a row in it is wrong.
    """
    folder = models or models_folder()
    path = folder / REGISTRY_FILE
    return {name: _entry(name, table, path) for name, table in _read_toml(path).items()}


def read_own() -> dict[str, RegistryEntry | BadModelError]:
    """The user's rows by name, as `ugatit models import --name` writes them; for one that is wrong, what to raise when it is asked for."""
    found: dict[str, RegistryEntry | BadModelError] = {}
    for folder in sorted(own_models_folder().glob("*")):
        # what is hidden, somebody is making, or was killed while doing so
        if not folder.name.startswith(".") and not os.path.isfile(folder):
            found[folder.name] = _own_entry(folder)
    return found


def _own_entry(folder: Path) -> RegistryEntry | BadModelError:
    path = folder / OWN_ROW
    try:
        return _entry(folder.name, _read_toml(path), path)
    except BadModelError as error:
        return BadModelError(error.message, hint=_import_again(folder.name), name=error.name)


def _import_again(name: str) -> str:
    return f"remove it with `ugatit models remove {name}`, and import it again"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        raise _wrong(f"cannot read the list of models {path}: {reason}") from error


def _entry(name: str, table: Any, path: Path) -> RegistryEntry:
    hints = get_type_hints(RegistryEntry)
    known = {field.name: field.default for field in fields(RegistryEntry) if field.name not in ("name", "folder")}
    needed = {key for key, default in known.items() if default is MISSING}
    if not isinstance(table, dict) or not needed <= set(table) <= set(known):
        wrong = sorted((needed - set(table)) | (set(table) - set(known))) if isinstance(table, dict) else [name]
        raise _wrong(f"{path}: the row {name} lacks or does not know {', '.join(wrong)}")
    mistyped = [key for key, value in table.items() if not _fits(value, hints[key])]
    if mistyped:
        raise _wrong(f"{path}: the row {name} has the wrong kind of value for {', '.join(sorted(mistyped))}")
    values = {**table, "face": tuple(table.get("face", ()))}
    entry = RegistryEntry(name=name, **values, folder=None if "repo" in table else path.parent)
    problem = _problem(entry)
    if problem:
        raise _wrong(f"{path}: {problem}")
    return entry


def _fits(value: object, hint: Any) -> bool:
    """Whether what TOML gave is what the field wants; where that is one of several words, whether it is a text."""
    if get_origin(hint) is tuple:
        return isinstance(value, list) and all(type(each) in (int, float) for each in value)
    return type(value) is (hint if isinstance(hint, type) else str)


def _problem(entry: RegistryEntry) -> str:
    """What is wrong with a row; "" if nothing."""
    open_ended = (UNVERIFIED,) if entry.repo else ()
    if entry.sha256 not in open_ended and not _SHA256.fullmatch(str(entry.sha256)):
        return f"the sha256 of {entry.name} must be 64 hexadecimal digits"
    if entry.data_sha256 and not _SHA256.fullmatch(str(entry.data_sha256)):
        return f"the data_sha256 of {entry.name} must be 64 hexadecimal digits"
    if entry.repo and entry.revision not in open_ended and not COMMIT.fullmatch(str(entry.revision)):
        return f"the revision of {entry.name} must be 40 hexadecimal digits"
    if entry.direction not in get_args(Direction):
        return f"the direction of {entry.name} must be a2b or b2a"
    if entry.face and not (len(entry.face) == 3 and all(0 < number < 1 for number in entry.face)):
        return f"the face of {entry.name} must be three numbers between 0 and 1"
    if not is_safe_path(str(entry.file)):
        return f"the file of {entry.name} must be a path inside its folder"
    return ""


def _wrong(text: str) -> BadModelError:
    return BadModelError(text, name="registry-damaged")
