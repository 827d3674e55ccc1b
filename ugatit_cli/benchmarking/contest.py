"""All the ways to run a model here, one after the other, and which does best."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..backends.providers import cuda_problem
from ..diagnosis.child import Child
from ..errors import BadModelError, ResourceError
from ..export.exporting import ExportRequest, export, usual_form
from ..export.photographs import read_photographs, squares
from ..export.proof import Precision
from ..files import DISK_FULL
from ..loading import BackendChoice, Device
from ..parity import Parity, compare
from ..weights import ModelWeights
from .child import keep

MEASURE = "from ugatit_cli.benchmarking.child import main; main(sys.argv[1])"
MOST_SECONDS = 600.0  # of one way


@dataclass(frozen=True)
class Way:
    """One way to run the model."""

    backend: BackendChoice
    device: Device
    precision: Precision
    batch: int


@dataclass(frozen=True)
class Measured:
    """What came of a way. `numbers` as the child gave them, or `problem` in words; parity is to PyTorch's fp32."""

    way: Way
    numbers: dict[str, Any] = field(default_factory=dict)
    parity: Parity | None = None
    problem: str = ""

    @property
    def pictures_per_second(self) -> float:
        return self.way.batch / self.numbers["seconds"] if self.numbers else 0.0

    def as_dict(self) -> dict[str, Any]:
        parity = None if self.parity is None else vars(self.parity)
        own = {"pictures_per_second": self.pictures_per_second, "parity": parity, "problem": self.problem}
        return {**vars(self.way), **self.numbers, **own}


@dataclass(frozen=True)
class Contest:
    """Attributes:
    path: of the weights.
    size: side of the pictures.
    batches: how many pictures at a time.
    runs: timed calls of each way.
    folder: for graphs and translations, temporary.
    """

    path: Path
    weights: ModelWeights
    size: int
    batches: tuple[int, ...]
    runs: int
    folder: Path

    def ways(self) -> list[Way]:
        """PyTorch in fp32 first: the others are compared with it."""
        devices: list[Device] = ["cpu", "cuda"] if cuda_problem() is None else ["cpu"]
        found = []
        for batch in self.batches:
            for device in devices:
                found += [Way("torch", device, "fp32", batch), Way("onnx", device, "fp32", batch)]
                found.append(Way("onnx", device, "int8" if device == "cpu" else "fp16", batch))
            if find_spec("openvino") is not None:
                found += [Way("openvino", "cpu", precision, batch) for precision in ("fp32", "int8")]
        return found

    def run(self) -> Iterator[Measured]:
        references: dict[int, Any] = {}
        for way in self.ways():
            measured, outputs = self._measure(way)
            if outputs is None:
                yield measured
                continue
            if way == Way("torch", "cpu", "fp32", way.batch):
                references[way.batch] = outputs
            reference = references.get(way.batch)  # none where PyTorch failed
            yield Measured(way, measured.numbers, None if reference is None else compare(outputs, reference))

    def _measure(self, way: Way) -> tuple[Measured, Any]:
        target = self.folder / "outputs.npy"
        files = {"inputs": str(self._inputs(way.batch)), "outputs": str(target)}
        try:
            task = {**self._model(way), **files, "runs": self.runs}
        except BadModelError as error:  # its graph is too far from the weights
            return Measured(way, problem=error.message), None
        child = Child(MEASURE, json.dumps(task), limit=MOST_SECONDS)
        try:
            answer = child.answer()
        finally:
            child.stop()
        if answer.fault:
            return Measured(way, problem=answer.fault[:200]), None
        numbers = answer.merged
        if "refused" in numbers:
            return Measured(way, problem=_refusal(numbers["refused"])), None
        return Measured(way, numbers), np.load(target)

    def _inputs(self, batch: int) -> Path:
        """Variations of the example photograph: noise is harder on whole numbers than any picture."""
        path = self.folder / f"inputs-{batch}.npy"
        if not path.exists():
            photographs = read_photographs([])
            keep(squares([photographs[number % len(photographs)] for number in range(batch)], self.size), path)
        return path

    def _model(self, way: Way) -> dict[str, Any]:
        wish = {"backend": way.backend, "device": way.device}
        if way.precision == "fp32":
            return {"model": str(self.path), "sha256": self.weights.sha256, "wish": wish}
        graph = self.folder / f"{way.backend}.{way.precision}.onnx"
        if not graph.exists():
            direction, _ = self.weights.generator()
            photographs = read_photographs([])
            export(
                ExportRequest(
                    self.weights, direction, usual_form(way.precision), way.precision, photographs, min_psnr=0
                ),
                graph,
            )
        return {"model": str(graph), "sha256": "", "wish": wish}


def _refusal(error: Mapping[str, str]) -> str:
    """In words. Raises ResourceError where the disk is full: that is no matter of one way."""
    if error["name"] == DISK_FULL:
        raise ResourceError(error["message"], hint=error["hint"], name=DISK_FULL)
    return error["message"]


def best(found: list[Measured], least_psnr: float) -> Measured | None:
    """The most pictures a second among those that are near enough to the reference."""
    near = [each for each in found if each.parity is not None and each.parity.psnr >= least_psnr]
    return max(near, key=lambda each: each.pictures_per_second, default=None)
