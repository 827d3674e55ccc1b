"""Options that commands share, with their help."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from ..config import SIZE_MULTIPLE, Direction
from ..console import Verbosity
from ..errors import UsageError
from ..hub import DEFAULT_MODEL

MOST_PICTURES = 1024


def _batch_size(value: str | int | None) -> int | None:
    if value is None or value == "auto":
        return None
    if not str(value).isdecimal() or not 1 <= int(value) <= MOST_PICTURES:
        raise typer.BadParameter(f"{value} is neither auto nor a number from 1 to {MOST_PICTURES}")
    return int(value)


def _size(value: int | None) -> int | None:
    if value is not None and value % SIZE_MULTIPLE:
        near = round(value / SIZE_MULTIPLE) * SIZE_MULTIPLE
        raise typer.BadParameter(f"{value} is not a multiple of {SIZE_MULTIPLE}; {near} is near")
    return value


ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="NAME|PATH|REPO",
        help="The model: its name, its file or folder, or owner/repository[@revision][:file] on the Hub.",
        show_default=DEFAULT_MODEL,
    ),
]
DirectionOption = Annotated[
    Direction | None,
    typer.Option("--direction", show_default="the model's", help="From domain A to B, or from B to A."),
]
DeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps"],
    typer.Option("--device", help="Where to compute; auto takes the fastest that is there."),
]
RunDeviceOption = Annotated[
    Literal["auto", "cpu", "cuda", "mps", "tensorrt"],
    typer.Option("--device", help="Where to compute; auto takes the fastest that is there."),
]
BackendOption = Annotated[
    Literal["auto", "torch", "onnx", "openvino"],
    typer.Option("--backend", help="The program that computes; auto takes the fastest for the device (-v says why)."),
]
InputRangeOption = Annotated[
    Literal["-1..1", "0..1", "0..255"] | None,
    typer.Option(
        "--input-range",
        show_default="what the graph says",
        help="For another program's ONNX graph: what it takes black and white to be, and gives.",
    ),
]
BgrOption = Annotated[bool, typer.Option("--bgr", help="For another program's ONNX graph: its colours are BGR.")]
BatchSizeOption = Annotated[
    int | None,
    typer.Option(
        "--batch-size",
        parser=_batch_size,
        metavar="N|auto",
        show_default="auto",
        help="Pictures that go through the network together.",
    ),
]
SizeOption = Annotated[
    int | None,
    typer.Option(
        "--size",
        min=16,
        max=4096,
        callback=_size,
        metavar="N",
        show_default="the model's",
        help="The side in pixels that the network works at, a multiple of 4.",
    ),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.")]
SkipExistingOption = Annotated[bool, typer.Option("--skip-existing", help="Leave out what has an output already.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Report as one JSON object on standard output.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be written.")]
VerboseOption = Annotated[bool, typer.Option("--verbose", "-v", help="Say more, also what libraries say.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="On standard error, say nothing but errors.")]


def verbosity(verbose: bool, quiet: bool) -> Verbosity:
    """Raises UsageError where both are asked for."""
    exclude({"--verbose": verbose, "--quiet": quiet})
    return Verbosity.VERBOSE if verbose else Verbosity.QUIET if quiet else Verbosity.NORMAL


def exclude(given: dict[str, bool]) -> None:
    """Raises UsageError where more than one of these options is given."""
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise UsageError(f"{' and '.join(names)} exclude each other", hint="leave one out", name="options-contradict")
