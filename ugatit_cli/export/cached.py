"""A generator's graph in the cache: made once from the weights, found again by their sha256, without loading torch.

`graphs/FORMAT/SHA256/` holds for each direction and use the graph and a record beside it: the graph's own digest, what
it takes and gives, and how fast this machine ran it. Whatever does not fit its record is made again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..cache import VARIABLE, cache_folder
from ..config import Direction, GeneratorConfig
from ..errors import OutputError, ResourceError
from ..files import remove_old_parts, sha256_of, write_atomically, writing
from ..graph.facts import GraphFacts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ..graph.facts import StatisticsUse
    from ..graph.generator import GraphForm, Weights
    from ..weights import ModelWeights

FORMAT = "2"  # of graphs and records; another number when either changes
UNWRITABLE = "cache-unwritable"

Use = Literal["few", "many", "openvino", "gpu"]
"""`few` pictures on a CPU: starts soon, little memory; `many` there: the most pictures a second; by OpenVINO; or on a GPU."""


@dataclass(frozen=True)
class CachedGraph:
    """One graph and its record.

    Attributes:
        directions: all that the weights can do, the default first.
        variant: of the generator.
        notes: what the reader of the weights had to say.
        tried: the programs that have run it once, such as `onnx/cpu`: a picture came out, and not of one colour.
        milliseconds: a picture's time by backend, its version and number of threads, such as `onnx 1.31.1/2`, where it was measured.
    """

    path: Path
    direction: Direction
    facts: GraphFacts
    directions: tuple[Direction, ...]
    variant: str
    notes: tuple[str, ...]
    tried: tuple[str, ...] = ()
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    def with_times(self, milliseconds: Mapping[str, float]) -> CachedGraph:
        """Recorded, too, where the cache can be written."""
        return replace(self, milliseconds={**self.milliseconds, **milliseconds})._recorded()

    def with_trial(self, name: str) -> CachedGraph:
        """Recorded, too, where the cache can be written."""
        return replace(self, tried=(*self.tried, name))._recorded()

    def _recorded(self) -> CachedGraph:
        with suppress(OSError, OutputError, ResourceError):  # then it is found out again
            _write_record(self)
        return self


def find_graph(
    sha256: str, direction: Direction | None, use: Use, statistics: StatisticsUse = "own"
) -> CachedGraph | None:
    """The graph of the weights with that digest; a `direction` of None is their default."""
    wanted: tuple[Direction, ...] = (direction,) if direction else ("a2b", "b2a")
    for each in wanted:
        found = _read_record(_path(sha256, each, use, statistics), each)
        if found is not None and (direction is not None or found.directions[0] == each):
            return found
    return None


def make_graph(weights: ModelWeights, direction: Direction, use: Use, statistics: StatisticsUse = "own") -> CachedGraph:
    """Write the graph into the cache.

    Raises:
        OutputError, ResourceError: the cache cannot be written; `UNWRITABLE` is their name.
    """
    from ..graph.generator import facts_of

    path, config = _path(weights.sha256, direction, use, statistics), weights.config
    wanted = replace(_form(use, config), statistics=statistics)
    first = weights.generator()[0]
    directions = (first, *(each for each in weights.generators if each != first))
    made = CachedGraph(path, direction, facts_of(config, wanted, direction), directions, config.variant, weights.notes)
    with _named_unwritable():
        _write_graph(path, config, arrays_of(weights, direction), wanted)
        _write_record(made)
    return made


def _write_graph(path: Path, config: GeneratorConfig, tensors: Weights, form: GraphForm) -> None:
    from ..graph.generator import write_generator
    from ..graph.saving import weights_beside

    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        for folder in path.parent.parent.iterdir():
            remove_old_parts(folder)
    with weights_beside(path) as beside:
        graph = write_generator(config, tensors, form, beside)
    write_atomically(path, graph.SerializeToString())


@contextmanager
def _named_unwritable() -> Iterator[None]:
    try:
        yield
    except (OutputError, ResourceError) as error:
        hint = f"set {VARIABLE} to a folder that can be written"
        raise type(error)(error.message, hint=hint, name=UNWRITABLE) from error


def arrays_of(weights: ModelWeights, direction: Direction) -> dict[str, NDArray[np.float32]]:
    """What `write_generator` takes; no copies."""
    return {name: tensor.numpy() for name, tensor in weights.generators[direction].items()}


def _form(use: Use, config: GeneratorConfig) -> GraphForm:
    """A matrix that is worth it is kept in half precision, which moves one pixel in fifty by a level."""
    from ..graph.generator import GraphForm
    from ..graph.large_matrix import LARGE, Storage

    storage: Storage = "fp16" if config.width * config.mlp_inputs >= LARGE else "fp32"
    if use == "gpu":
        return GraphForm("direct", heatmap=True, storage=storage)
    if use == "openvino":  # twice as slow where it has to make floats of halves for every picture
        return GraphForm("tiled", "stored", heatmap=True)
    return GraphForm("tiled", "stored" if use == "many" else "fleeting", heatmap=True, storage=storage)


def _path(sha256: str, direction: Direction, use: Use, statistics: StatisticsUse) -> Path:
    name = use if statistics == "own" else f"{use}.{statistics}"
    return cache_folder() / "graphs" / FORMAT / sha256 / f"{direction}.{name}.onnx"


def _record(graph: Path) -> Path:
    return graph.with_suffix(".json")


def _write_record(made: CachedGraph) -> None:
    values = {name: value for name, value in asdict(made).items() if name not in ("path", "direction")}
    text = json.dumps({"sha256": _digest(made.path), **values}, indent=1)
    write_atomically(_record(made.path), text.encode())


def _read_record(graph: Path, direction: Direction) -> CachedGraph | None:
    """None where the record or the graph is missing, or one does not belong to the other."""
    try:
        values = json.loads(_record(graph).read_text(encoding="utf-8"))
        if values.pop("sha256") != _digest(graph):
            return None
        facts = GraphFacts(**values.pop("facts"))
        lists: dict[str, Any] = {name: tuple(values.pop(name)) for name in ("directions", "notes", "tried")}
        return CachedGraph(graph, direction, facts, **lists, **values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _digest(graph: Path) -> str:
    """Of the graph's file; of weights beside it, which are a gigabyte and lie in the user's own cache, the size."""
    digest = sha256_of(graph)
    beside = graph.with_name(graph.name + ".data")
    return f"{digest}+{beside.stat().st_size}" if beside.is_file() else digest
