"""`ugatit export-onnx`: a model as an ONNX graph that others can deploy, proven to do what its weights do."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .. import __version__, hub
from ..console import Console
from ..errors import UsageError
from ..model_file import DATA_SUFFIX
from . import options
from .report import errors_as_json
from .translate import model_label

if TYPE_CHECKING:
    from ..export.exporting import ExportRequest
    from ..export.proof import Comparison

ORT = ".ort"  # ONNX Runtime reads files by that name as its own kind, and no other

OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", "-o", metavar="FILE", show_default="MODEL.onnx or MODEL.PRECISION.onnx here", help="The graph's file."
    ),
]
PrecisionOption = Annotated[
    Literal["fp32", "fp16", "int8"],
    typer.Option("--precision", help="fp32 for CPUs, fp16 for GPUs, int8 for small and quick."),
]
HeatmapOption = Annotated[bool, typer.Option("--heatmap", help="With the attention as a second output.")]
LevelsOption = Annotated[
    bool, typer.Option("--uint8", help="Take and give bytes, N x H x W x 3, instead of floats, N x 3 x H x W.")
]
ConvolutionsOption = Annotated[
    Literal["auto", "tiled", "direct"],
    typer.Option("--convolutions", help="Tiled is the quickest on CPUs, direct on GPUs; auto: tiled but for fp16."),
]
StorageOption = Annotated[
    Literal["fp32", "fp16", "int8", "rank64"],
    typer.Option("--storage", help="How the full variant's large matrix is kept: exact, or in less space."),
]
CalibrateOption = Annotated[
    Path | None,
    typer.Option(
        "--calibrate",
        metavar="DIR",
        show_default="the example photograph",
        help="Pictures of the kind that will be translated: int8 is fitted to them, and all precisions compared on them.",
    ),
]
MinPsnrOption = Annotated[
    float, typer.Option("--min-psnr", min=0, max=100, metavar="DB", help="An int8 graph further off is refused.")
]


def export_onnx(
    model: options.ModelOption = hub.BY_NAME + hub.DEFAULT_MODEL,
    out: OutOption = None,
    precision: PrecisionOption = "fp32",
    direction: options.DirectionOption = None,
    heatmap: HeatmapOption = False,
    levels: LevelsOption = False,
    convolutions: ConvolutionsOption = "auto",
    storage: StorageOption = "fp16",
    calibrate: CalibrateOption = None,
    min_psnr: MinPsnrOption = 30.0,
    overwrite: options.OverwriteOption = False,
    as_json: options.JsonOption = False,
    verbose: options.VerboseOption = False,
    quiet: options.QuietOption = False,
) -> None:
    """Write a model as an ONNX graph (opset 20), and prove that it does what the weights do.

    Real pictures and noise go through PyTorch and through ONNX Runtime; the differences are shown and kept in the
    file, and a graph that is too far off is not kept. What it takes and gives stands in its metadata.
    """
    console = Console(options.verbosity(verbose, quiet))
    path = out or Path(f"{model_label(model)}{'' if precision == 'fp32' else '.' + precision}.onnx")
    with errors_as_json(console, "export-onnx", wanted=as_json), console.captured_noise():
        found = hub.resolve(model, direction=direction, watcher=console)
        _check_target(path, found.path, overwrite)
        if convolutions == "tiled" and precision == "fp16":
            text = "--convolutions tiled and --precision fp16 exclude each other"
            raise UsageError(text, hint="leave --convolutions out", name="options-contradict")
        asked = Asked(found.path, precision, direction, heatmap, levels, convolutions, storage, calibrate, min_psnr)
        made = _export(asked, path, console)
    if as_json:
        console.write((json.dumps(made, indent=1) + "\n").encode())
    else:
        console.result(path)


@dataclass(frozen=True)
class Asked:
    """For the fields see the options of `export-onnx`."""

    model: Path
    precision: Literal["fp32", "fp16", "int8"]
    direction: Any
    heatmap: bool
    levels: bool
    convolutions: Literal["auto", "tiled", "direct"]
    storage: Literal["fp32", "fp16", "int8", "rank64"]
    calibrate: Path | None
    min_psnr: float


def _check_target(path: Path, model: Path, overwrite: bool) -> None:
    """By `os.path`, which takes a name that is too long for one that is not there: writing tells."""
    _check_name(path)
    if os.path.isdir(path) or not os.path.isdir(path.parent):
        what = "is a folder" if os.path.isdir(path) else "would lie in a folder that does not exist"
        raise UsageError(f"cannot write {path}: it {what}", hint="name a file with -o", name="output-unwritable")
    data = path.with_name(path.name + DATA_SUFFIX)
    if os.path.isdir(data):
        text = f"cannot write {path}: {data} is a folder, and that name is for its weights"
        raise UsageError(text, hint="name another file with -o", name="output-unwritable")
    for there in filter(os.path.lexists, (path, data)):
        if os.path.exists(there) and os.path.exists(model) and os.path.samefile(there, model):
            hint = "name another file with -o"
            raise UsageError(f"{there} is the model itself", hint=hint, name="output-is-input")
        if not overwrite:
            hint = "name another file with -o, or write --overwrite"
            raise UsageError(f"{there} exists", hint=hint, name="output-exists")


def _check_name(path: Path) -> None:
    if str(path) == "-":
        text = "a graph is not written to standard output"
        raise UsageError(text, hint="name a file with -o", name="output-unwritable")
    if path.name.lower().endswith(ORT):
        text = f"cannot write {path}: {ORT} is for another kind of file, which ONNX Runtime makes of graphs"
        raise UsageError(text, hint="name a file that ends in .onnx", name="output-unwritable")


def _export(asked: Asked, path: Path, console: Console) -> dict[str, Any]:
    from ..export.exporting import export

    request = _request(asked, console)
    console.note(f"{'content':12} {'size':>9} {'batch':>5} {'largest':>8} {'mean':>7} {'PSNR':>9}")
    rows = export(request, path)
    files = filter(os.path.isfile, (path, path.with_name(path.name + DATA_SUFFIX)))
    sizes = [each.stat().st_size for each in files]
    console.note(f"{sum(sizes) / 1e6:.1f} MB, {request.direction}, {asked.precision}, opset 20")
    return {
        "ugatit": __version__,
        "command": "export-onnx",
        "file": str(path),
        "bytes": sum(sizes),
        "source_sha256": request.weights.sha256,
        "direction": request.direction,
        "precision": asked.precision,
        "parity": [row.as_dict() for row in rows],
    }


def _request(asked: Asked, console: Console) -> ExportRequest:
    from .. import weights
    from ..export.exporting import ExportRequest, usual_form
    from ..export.photographs import read_photographs
    from ..graph.reading import is_graph
    from ..training.data import list_pictures

    if is_graph(asked.model):
        text = f"{asked.model} is an ONNX graph already"
        raise UsageError(text, hint="name weights with --model", name="model-onnx")
    hint = "--calibrate names a folder of pictures"
    photographs = read_photographs(list_pictures(asked.calibrate, hint=hint) if asked.calibrate else [])
    loaded = weights.load(asked.model)
    for note in loaded.notes:
        console.note(f"{asked.model}: {note}")
    direction, _ = loaded.generator(asked.direction)
    form = replace(usual_form(asked.precision), levels=asked.levels, heatmap=asked.heatmap, storage=asked.storage)
    if asked.convolutions != "auto":
        form = replace(form, convolutions=asked.convolutions)

    def tell(row: Comparison) -> None:
        found = row.parity
        size = f"{row.width}x{row.height}"
        numbers = f"{found.largest:>8} {found.mean:>7.3f} {found.psnr:>6.1f} dB"
        console.note(f"{row.content:12} {size:>9} {row.batch:>5} {numbers}")

    return ExportRequest(loaded, direction, form, asked.precision, photographs, asked.min_psnr, tell)
