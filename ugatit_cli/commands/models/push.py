"""`ugatit models push`: a model into one's own repository on the Hub."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ... import hub
from ...console import Console
from ...errors import UsageError
from .. import options
from ..report import errors_as_json
from .about import LicenseOption, SourceOption
from .facts import in_bytes, show_json

if TYPE_CHECKING:
    from ...model_folder.publishing import Publication

ModelArgument = Annotated[
    str, typer.Argument(metavar="MODEL", show_default=False, help="A name, a file or folder, or a repository.")
]
RepoArgument = Annotated[
    str, typer.Argument(metavar="REPO", show_default=False, help="Yours: owner/repository; it is made if need be.")
]
SamplesOption = Annotated[
    Path | None,
    typer.Option(
        "--samples",
        metavar="DIR",
        show_default="the example photograph",
        help="Pictures for the sample sheet; up to six are shown to everybody.",
    ),
]
PrivateOption = Annotated[bool, typer.Option("--private", help="A repository that is made is for you alone.")]
HalfOption = Annotated[bool, typer.Option("--half", help="Weights in half precision: half the size.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Make everything, upload nothing, say what would go up.")]


def push(
    model: ModelArgument,
    repo: RepoArgument,
    license: LicenseOption = None,
    source: SourceOption = None,
    samples: SamplesOption = None,
    private: PrivateOption = False,
    half: HalfOption = False,
    overwrite: options.OverwriteOption = False,
    dry_run: DryRunOption = False,
    as_json: options.JsonOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Publish a model in your own repository.

    Weights, the same as an ONNX graph, a card and a sample sheet go up in one commit.
    It needs a token with the right to write: HF_TOKEN, or the one that `hf auth login` saved.
    """
    from ...hub.upload import upload

    console = Console(options.verbosity(False, quiet))
    with (
        errors_as_json(console, "models push", wanted=as_json),
        tempfile.TemporaryDirectory(prefix="ugatit-") as folder,
        console.captured_noise(),
    ):
        target = _target(repo)
        if not dry_run:
            _check_target(target, overwrite)
        found = hub.resolve(model, watcher=console)
        said = {key: getattr(found.entry, key, None) for key in ("license", "source", "domain_a", "domain_b")}
        said |= {key: text for key, text in (("license", license), ("source", source)) if text}
        made = _make(found.path, Path(folder, "model"), target, said, half, samples)
        for note in made.notes:
            console.note(f"{found.path}: {note}")
        sizes = made.sizes()
        for name, size in sizes.items():
            console.note(f"{name}: {in_bytes(size)}")
        url = None if dry_run else upload(target, made.folder, made.files, private=private)
    if as_json:
        files = [{"name": name, "bytes": size} for name, size in sizes.items()]
        show_json(console, "push", {"repo": target.repo, "url": url, "files": files})
    elif url:
        console.write(f"{url}\n".encode())
    if dry_run:
        console.note(f"nothing was uploaded to {target.repo}")


def _target(repo: str) -> hub.HubFile:
    target = hub.parse_hub_file(repo.removeprefix(hub.BY_HUB))
    if target is None or target != hub.HubFile(target.repo):
        text = f"{repo} is no repository"
        raise UsageError(text, hint="write owner/repository, your own name first", name="hub-name")
    return target


def _check_target(target: hub.HubFile, overwrite: bool) -> None:
    """Before anything is made: what is there is replaced on request only."""
    from ...hub.upload import files_there

    there = [name for name in files_there(target) if name != ".gitattributes"]
    if there and not overwrite:
        text = f"{target.repo} holds {len(there)} files already, such as {there[0]}"
        raise UsageError(text, hint="name another repository, or write --overwrite", name="output-exists")


def _make(
    source: Path, folder: Path, target: hub.HubFile, said: dict[str, str | None], half: bool, samples: Path | None
) -> Publication:
    from ...model_folder.keeping import Wish
    from ...model_folder.publishing import make_publication
    from ...training.data import list_pictures

    wish = Wish(target.repo.partition("/")[2], said=said, half=half)
    pictures = list_pictures(samples, hint="--samples names a folder of pictures") if samples else []
    return make_publication(source, folder, target.repo, wish, pictures)
