"""A generator's graph in the cache: made once from the weights, found again by their sha256, without loading torch.

`graphs/FORMAT/SHA256/` holds for each direction and form the graph and a record beside it: the graph's own digest, what
it takes and gives, and how fast this machine ran it. Whatever does not fit its record is made again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..cache import cache_folder
from ..config import Direction
from ..files import sha256_of, write_atomically, writing
from ..graph.facts import GraphFacts

if TYPE_CHECKING:
    from ..graph.facts import StatisticsUse
    from ..graph.generator import Form
    from ..weights import ModelWeights

FORMAT = "1"  # of graphs and records; another number when either changes


@dataclass(frozen=True)
class CachedGraph:
    """One graph and its record.

    Attributes:
        directions: all that the weights can do, the default first.
        variant: of the generator.
        notes: what the reader of the weights had to say.
        milliseconds: a picture's time by backend's name and number of threads, such as `onnx/2`, where it was measured.
    """

    path: Path
    direction: Direction
    facts: GraphFacts
    directions: tuple[Direction, ...]
    variant: str
    notes: tuple[str, ...]
    milliseconds: Mapping[str, float] = field(default_factory=dict)

    def with_times(self, milliseconds: Mapping[str, float]) -> CachedGraph:
        """Recorded, too."""
        timed = replace(self, milliseconds={**self.milliseconds, **milliseconds})
        _write_record(timed)
        return timed


def find_graph(
    sha256: str, direction: Direction | None, form: Form, statistics: StatisticsUse = "own"
) -> CachedGraph | None:
    """The graph of the weights with that digest; a `direction` of None is their default."""
    wanted: tuple[Direction, ...] = (direction,) if direction else ("a2b", "b2a")
    for each in wanted:
        found = _read_record(_path(sha256, each, form, statistics), each)
        if found is not None and (direction is not None or found.directions[0] == each):
            return found
    return None


def make_graph(
    weights: ModelWeights, direction: Direction, form: Form, statistics: StatisticsUse = "own"
) -> CachedGraph:
    """Write the graph into the cache.

    Raises:
        OutputError, ResourceError: the cache cannot be written.
    """
    from ..graph.generator import GraphForm, facts_of, write_generator
    from ..graph.saving import save_graph

    path = _path(weights.sha256, direction, form, statistics)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    config = weights.config
    tensors = {name: tensor.numpy() for name, tensor in weights.generators[direction].items()}
    wanted = GraphForm(form, heatmap=True, statistics=statistics)
    save_graph(write_generator(config, tensors, wanted), path, external=not config.any_size)
    first = weights.generator()[0]
    directions = (first, *(each for each in weights.generators if each != first))
    made = CachedGraph(path, direction, facts_of(config, wanted, direction), directions, config.variant, weights.notes)
    _write_record(made)
    return made


def _path(sha256: str, direction: Direction, form: Form, statistics: StatisticsUse) -> Path:
    name = form if statistics == "own" else f"{form}.{statistics}"
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
        directions, notes = tuple(values.pop("directions")), tuple(values.pop("notes"))
        return CachedGraph(graph, direction, facts, directions, notes=notes, **values)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def _digest(graph: Path) -> str:
    """Of the graph's file; of weights beside it, which are a gigabyte and lie in the user's own cache, the size."""
    digest = sha256_of(graph)
    beside = graph.with_name(graph.name + ".data")
    return f"{digest}+{beside.stat().st_size}" if beside.is_file() else digest
