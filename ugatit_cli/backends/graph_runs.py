"""What all programs that run graphs share: the contract over them, portions of a batch, the picture that is tried out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadModelError, UgatitError
from ..graph.facts import GraphFacts
from .memory import is_out_of_memory, too_little_memory
from .pixels import Pixels, from_graph, to_graph

BUCKETS = (1, 2, 4, 8, 16, 32, 64)  # a GPU prepares itself for each size of batch: few, that come again
TRIED_SIDE = 32  # of the picture that our own graphs are tried out with; a stranger's may need more

Run = Callable[[NDArray[Any]], NDArray[Any]]


class GraphBackend(ABC):
    """The `Backend` contract over a graph that some program runs."""

    name: str
    provider: str
    device: str

    def __init__(self, facts: GraphFacts, at_once: int = 1) -> None:
        """`at_once` portions of a batch are run at the same time, each with its share of the cores."""
        self.facts, self.at_once = facts, at_once
        self._pool = ThreadPoolExecutor(at_once) if at_once > 1 else None
        self.image_size, self.any_size = facts.image_size, facts.any_size

    def __call__(self, pictures: Pixels) -> Pixels:
        return self.translate(pictures)[0]

    def translate_together(self, pictures: Pixels) -> Pixels:
        """All as one batch of a graph that takes any number, wherever it runs."""
        return self.translate(pictures, portion=len(pictures))[0]

    def translate_with_heatmap(self, pictures: Pixels) -> tuple[Pixels, NDArray[np.float32]]:
        if self.facts.heatmap is None:
            text = "this graph has no heat-map"
            raise BadModelError(text, hint="export it again with --heatmap", name="model-no-heatmap")
        images, [heatmaps] = self.translate(pictures, [self.facts.heatmap])
        return images, planes(heatmaps)

    def translate(
        self,
        pictures: Pixels,
        more: Sequence[str] = (),
        held: NDArray[np.float32] | None = None,
        portion: int | None = None,
    ) -> tuple[Pixels, list[NDArray[Any]]]:
        """The translations, and what the graph's outputs named in `more` say.

        In portions, of a size that suits the device unless one is named, the last one filled up with its last picture.
        `held`, one row a picture, is for graphs that are told their statistics.
        """
        facts, portion = self.facts, portion or portion_size(self.facts, self.device, len(pictures))

        def run(first: int) -> tuple[Pixels, list[NDArray[Any]]]:
            part = slice(first, first + portion)
            inputs = {facts.input: to_graph(_filled(pictures[part], portion), facts)}
            if facts.held is not None and held is not None:
                inputs[facts.held] = _filled(held[part], portion)
            outputs = [output[: len(pictures[part])] for output in self._run(inputs, [facts.output, *more])]
            _check_shape(outputs[0], pictures.shape[1:3], facts)
            return from_graph(outputs[0], facts), outputs[1:]

        parts = (self._pool.map if self._pool else map)(run, range(0, len(pictures), portion))
        images, others = zip(*parts, strict=True)
        return np.concatenate(images), [np.concatenate(column) for column in zip(*others, strict=True)]

    @abstractmethod
    def _run(self, inputs: Mapping[str, NDArray[Any]], outputs: list[str]) -> list[NDArray[Any]]:
        """The outputs of that name; raises what `run_error` makes of the program's own exceptions."""

    def try_out(self) -> None:
        """One picture through the graph, unless it is told its statistics: then it was made with one that was tried out.

        Raises:
            BadModelError: nothing sensible comes out.
        """
        if self.facts.held is None:
            try_out(self.facts, lambda numbers: self._run({self.facts.input: numbers}, [self.facts.output])[0])


def portion_size(facts: GraphFacts, device: str, pictures: int) -> int:
    """How many pictures go together: what the graph insists on, one on a CPU, whose caches hold no more, else a bucket."""
    if facts.batch is not None:
        return facts.batch
    if device == "cpu":
        return 1
    return next((size for size in BUCKETS if size >= pictures), BUCKETS[-1])


def try_out(facts: GraphFacts, run: Run) -> None:
    """One pass over a fixed picture: a graph that loads may still fail, overflow or say the same to everything.

    Raises:
        BadModelError: it does.
    """
    picture = ramp(facts)
    output = run(to_graph(_filled(picture, facts.batch or 1), facts))
    _check_shape(output, picture.shape[1:3], facts)
    if facts.element != "uint8" and not np.isfinite(output).all():
        raise BadModelError(
            "the model's output is not finite (NaN or overflow): its weights are damaged or its training diverged",
            hint="use an earlier checkpoint of that training",
            name="model-not-finite",
        )
    if output.min() == output.max():
        raise BadModelError("the model's output is one colour, whatever the picture", name="model-constant")


def ramp(facts: GraphFacts) -> Pixels:
    """One picture from black to white, of a size that the graph takes."""
    height, width = facts.height or _free_side(facts), facts.width or _free_side(facts)
    return np.linspace(0, 255, height * width * 3).astype(np.uint8).reshape(1, height, width, 3)


def run_error(error: Exception, numbers: NDArray[Any], facts: GraphFacts, device: str) -> UgatitError:
    """What an engine's own exception means to the user; `numbers` are the pictures that it was given."""
    shape = numbers.shape if facts.layout == "nhwc" else (len(numbers), *numbers.shape[2:], 3)
    size = f"{shape[2]}x{shape[1]}"
    if is_out_of_memory(error):
        return too_little_memory(device, f"{shape[0]} picture(s) of {size}")
    first_line = (str(error).splitlines() or [type(error).__name__])[0][:200]
    return BadModelError(
        f"the graph fails on a picture of {size}: {first_line}",
        hint="try --size or --fit stretch, if it was made for another size",
        name="model-run",
    )


def _filled(rows: NDArray[Any], size: int) -> NDArray[Any]:
    missing = size - len(rows)
    return np.concatenate([rows, np.repeat(rows[-1:], missing, axis=0)]) if missing > 0 else rows


def _free_side(facts: GraphFacts) -> int:
    return TRIED_SIDE if facts.direction is not None else facts.image_size


def _check_shape(output: NDArray[Any], sides: tuple[int, ...], facts: GraphFacts) -> None:
    planes = output.shape[2:] if facts.layout == "nchw" else output.shape[1:3]
    channels = output.shape[1 if facts.layout == "nchw" else -1] if output.ndim == 4 else 0
    if output.ndim != 4 or channels != 3 or tuple(planes) != tuple(sides):
        text = f"the graph turns a picture of {sides[1]}x{sides[0]} into an output of shape {'x'.join(map(str, output.shape))}"
        raise BadModelError(text, hint=_other_sides(tuple(sides), facts), name="model-output")


def _other_sides(sides: tuple[int, ...], facts: GraphFacts) -> str:
    """A graph that passed its trial may round the sides of other pictures, to multiples of 8 or 32."""
    tried = facts.image_size
    if facts.any_size and sides != (tried, tried):
        return f"its sides may need to be multiples of more than {facts.multiple}: try --fit stretch --size {tried}"
    return "only graphs whose output is as large as their input work"


def planes(heatmaps: NDArray[Any]) -> NDArray[np.float32]:
    """N h w, or N 1 h w -> N h w."""
    return heatmaps.reshape(len(heatmaps), *heatmaps.shape[-2:]).astype(np.float32, copy=False)
