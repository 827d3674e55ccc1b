"""Weights -> an ONNX file that says what it is, and that has been proven before it gets its name."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from onnx import ModelProto, helper

from .. import __version__
from ..backends import Backend, load_backend
from ..backends.onnx import OnnxBackend
from ..backends.pixels import to_graph
from ..config import Direction
from ..files import PART_SUFFIX, remove_old_parts, sync_folder, writing
from ..framing import Pixels
from ..graph.facts import GraphFacts
from ..graph.generator import GraphForm, facts_of, write_generator
from ..graph.metadata import GraphDescription, to_properties
from ..graph.saving import save_graph, weights_beside
from ..model_file import DATA_SUFFIX
from ..parity import combine
from ..weights import ModelWeights
from .cached import arrays_of
from .photographs import squares
from .proof import Comparison, Precision, check_tolerance, compare_backends

ONE_FILE = 256 << 20  # bytes; what is larger keeps its weights beside it, to be mapped instead of read


@dataclass(frozen=True)
class ExportRequest:
    """What to make of which weights.

    Attributes:
        photographs: real pictures, of any size, to calibrate with and to compare on.
        min_psnr: in dB, of an int8 graph on photographs.
    """

    weights: ModelWeights
    direction: Direction
    form: GraphForm
    precision: Precision
    photographs: Sequence[Pixels]
    min_psnr: float
    tell: Callable[[Comparison], None] = field(default=lambda row: None)


def usual_form(precision: Precision) -> GraphForm:
    """The fastest where such graphs are used: fp32 and int8 on CPUs, fp16 on GPUs."""
    if precision == "fp16":
        return GraphForm("direct", half=True)
    return GraphForm("tiled", "loaded" if precision == "fp32" else "plain")


def export(request: ExportRequest, path: Path) -> list[Comparison]:
    """Write the graph to `path` (a large one's weights to `path` + `.data`), proven, or nothing at all.

    Raises:
        BadModelError: it does not do what the weights do.
        OutputError, ResourceError: it cannot be written.
    """
    facts = facts_of(request.weights.config, request.form, request.direction)
    with _folder_beside(path) as folder:
        staged = folder / path.name
        with writing(path):
            graph = _write(request, facts, staged)
        _describe(graph, request, facts, [])
        save_graph(graph, staged, external=graph.ByteSize() > ONE_FILE)
        found = _prove(request, staged, facts)
        check_tolerance(request.precision, request.form.storage, found, request.min_psnr)
        _describe(graph, request, facts, found)
        save_graph(graph, staged, external=False)
        _move(staged, path)
    return found


def _write(request: ExportRequest, facts: GraphFacts, staged: Path) -> ModelProto:
    """A large one's weights lie beside `staged` already, but for int8, whose maker wants the graph as a whole."""
    config, tensors = request.weights.config, arrays_of(request.weights, request.direction)
    if request.precision == "int8":
        from .int8 import quantise

        graph = write_generator(config, tensors, request.form)
        return quantise(graph, request.form.convolutions, _calibration(request, facts), staged.parent)
    if sum(tensor.nbytes for tensor in tensors.values()) <= ONE_FILE:
        return write_generator(config, tensors, request.form)
    with weights_beside(staged) as beside:
        return write_generator(config, tensors, request.form, beside)


def _calibration(request: ExportRequest, facts: GraphFacts) -> Iterator[NDArray[Any]]:
    for picture in squares(request.photographs, request.weights.config.image_size):
        yield to_graph(picture[None], facts)


def _prove(request: ExportRequest, staged: Path, facts: GraphFacts) -> list[Comparison]:
    config = request.weights.config
    reference: Backend = load_backend(config, dict(request.weights.generators[request.direction]), "cpu")
    graph = OnnxBackend(staged, facts, "cpu")
    graph.try_out()
    found = []
    for row in compare_backends(reference, graph, config, request.photographs):
        request.tell(row)
        found.append(row)
    return found


def _describe(graph: ModelProto, request: ExportRequest, facts: GraphFacts, found: list[Comparison]) -> None:
    weights = request.weights
    source = {name: text for name, text in weights.metadata.items() if name != "ugatit"}
    parity: dict[str, Any] = {}
    if found:
        every = combine(row.parity for row in found)
        parity = {
            "largest": every.largest,
            "mean": every.mean,
            "psnr": every.psnr,
            "rows": [row.as_dict() for row in found],
        }
    description = GraphDescription(weights.config, __version__, weights.sha256, request.precision, source, parity)
    helper.set_model_props(graph, to_properties(description, facts))


def _move(staged: Path, path: Path) -> None:
    """Both files are on the disk: nothing but two new names is left, the weights' first, as a graph is of no use without them."""
    data = staged.with_name(staged.name + DATA_SUFFIX)
    target = path.with_name(path.name + DATA_SUFFIX)
    alone = not os.path.isfile(data)  # which takes a name that is too long for one that is not there
    with writing(path):
        if not alone:
            os.replace(data, target)
        os.replace(staged, path)
        sync_folder(path.parent)
        if alone and os.path.isfile(target):
            target.unlink()  # of the graph that was replaced


@contextmanager
def _folder_beside(path: Path) -> Iterator[Path]:
    """A hidden folder on the same disk, gone afterwards."""
    remove_old_parts(path.parent)
    folder = path.parent / f".{secrets.token_hex(6)}{PART_SUFFIX}"
    with writing(path):
        folder.mkdir()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
