"""`ugatit models import`: any supported file becomes a model of ours, in a folder and, on request, under a name."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ... import hub
from ...console import Console
from ...errors import UsageError
from .. import options
from ..report import errors_as_json
from ..translate import model_label
from .about import DomainAOption, DomainBOption, LicenseOption, SourceOption
from .facts import show_json

if TYPE_CHECKING:
    from ...model_folder.keeping import Kept

SourceArgument = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", show_default=False, help="A file or folder of any format that is read, a name, a repository."
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", show_default="none", help="Keep it under this name, for --model."),
]
OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="DIR", show_default="MODEL here", help="The folder to make, where no name is given."
    ),
]
HalfOption = Annotated[bool, typer.Option("--half", help="Keep the weights in half precision: half the size.")]
NoGridOption = Annotated[
    bool,
    typer.Option(
        "--no-grid", help="Change the last layer so that it draws no faint grid of two pixels; edges stay sharp."
    ),
]
SmoothingOption = Annotated[
    bool | None,
    typer.Option(
        "--smoothing/--no-smoothing",
        show_default="what the folder's name says",
        help="Whether a TensorFlow checkpoint was trained with --smoothing.",
    ),
]
_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)


def import_(
    model: SourceArgument,
    name: NameOption = None,
    out: OutOption = None,
    license: LicenseOption = None,
    source: SourceOption = None,
    domain_a: DomainAOption = None,
    domain_b: DomainBOption = None,
    half: HalfOption = False,
    no_grid: NoGridOption = False,
    smoothing: SmoothingOption = None,
    size: options.SizeOption = None,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Make a model of ours from any supported file.

    Weights become safetensors, an ONNX graph stays one, and a card is written. Nothing in the file is ever run.
    It goes to a folder of its own, or under a name where --model finds it.
    """
    from ...model_folder.keeping import Wish, keep_model

    console = Console(options.verbosity(False, quiet))
    said = {"license": license, "source": source, "domain_a": domain_a, "domain_b": domain_b}
    with errors_as_json(console, "models import", wanted=as_json), console.captured_noise():
        options.exclude({"--name": name is not None, "--out": out is not None})
        folder = _folder(model, name, out)
        found = hub.resolve(model, watcher=console)
        title = os.fsencode(folder.name).decode(errors="replace")  # a folder's name need not be text
        wish = Wish(title, name is not None, _texts(said, found), half, no_grid, smoothing, size, found.entry)
        kept = keep_model(found.path, folder, wish)
    for note in kept.notes:
        console.note(f"{found.path}: {note}")
    if name is not None:
        console.note(f"use it with --model {name}")
    if as_json:
        show_json(console, "import", _facts(kept, folder, name))
    else:
        console.result(folder)


def _facts(kept: Kept, folder: Path, name: str | None) -> dict[str, Any]:
    """`format` and `sha256` are the source's, `files` what was made of it."""
    about, facts = kept.about, kept.facts
    return {
        "name": name,
        "folder": str(folder),
        "files": sorted(path.name for path in folder.iterdir()),
        "format": facts.format,
        "sha256": facts.sha256,
        "directions": list(facts.directions),
        "image_size": facts.image_size,
        "variant": facts.config.variant if facts.config else None,
        **{key: getattr(about, key) for key in ("license", "source", "domain_a", "domain_b")},
        "notes": list(kept.notes),
    }


def _folder(model: str, name: str | None, out: Path | None) -> Path:
    if name is None:
        folder = out or Path(model_label(model))
    else:
        if not _NAME.fullmatch(name) or name in hub.read_registry():
            why = "is a model of the program's" if name in hub.read_registry() else "must be letters, digits, . _ and -"
            raise UsageError(f"the name {name} {why}", hint="choose another name", name="model-name")
        folder = hub.own_models_folder() / name
    if os.path.lexists(folder):
        remedy = f"choose another name, or `ugatit models remove {name}`" if name else "name another folder with -o"
        raise UsageError(f"{folder} exists", hint=remedy, name="output-exists")
    return folder


def _texts(said: dict[str, str | None], found: hub.ResolvedModel) -> dict[str, str | None]:
    """What the user said, else what the row says, where there is one."""
    return {key: text or (str(getattr(found.entry, key)) if found.entry else None) for key, text in said.items()}
