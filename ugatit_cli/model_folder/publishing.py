"""A model as others can use it: weights, the same as an ONNX graph, a card and a sample sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from .. import weights
from ..config import Direction
from ..errors import UsageError
from ..export.exporting import ExportRequest, export
from ..export.photographs import read_photographs
from ..files import sha256_of, write_atomically
from ..graph.generator import GraphForm
from ..graph.reading import is_graph
from ..loading import Wish as RunWish
from ..loading import load_model
from .card import write_card
from .keeping import CARD, GRAPH, WHAT_IT_IS, Kept, Wish, keep_model
from .samples import sample_sheet

SAMPLES = "samples.jpg"
MIN_PSNR = 30.0
_GRAPH_TEXT = "the same as an ONNX graph (opset 20) for any program; its metadata tells what it takes and gives"


@dataclass(frozen=True)
class Publication:
    """What goes up: files by name in the repository; `notes` are what the reader of the source had to say."""

    folder: Path
    files: tuple[str, ...]
    notes: tuple[str, ...]

    def sizes(self) -> dict[str, int]:
        return {name: (self.folder / name).stat().st_size for name in self.files}


def make_publication(source: Path, folder: Path, repo: str, wish: Wish, pictures: Sequence[Path]) -> Publication:
    """Everything in `folder`, which must not exist; `pictures` are shown on the sample sheet.

    Raises:
        UsageError: the source is a graph.
        UgatitError: as `keep_model` and `export` do.
    """
    if is_graph(source):
        text = f"{source} is an ONNX graph, and weights are needed to publish a model"
        raise UsageError(text, hint="name weights", name="model-onnx")
    kept = keep_model(source, folder, wish)
    direction = kept.facts.directions[0]
    _write_graph(kept, direction)
    write_atomically(folder / SAMPLES, _sheet(kept, direction, pictures))
    made = sorted(path.name for path in folder.iterdir() if path.name != CARD)
    texts = {**WHAT_IT_IS, GRAPH: _GRAPH_TEXT, SAMPLES: "what it makes of photographs"}
    about = replace(kept.about, name=repo.partition("/")[2])
    card = write_card(about, kept.facts, usage=repo, files={name: texts[name] for name in made})
    write_atomically(folder / CARD, card.encode())
    return Publication(folder, (CARD, *made), kept.notes)


def _write_graph(kept: Kept, direction: Direction) -> None:
    form = GraphForm("direct")
    loaded = weights.load(kept.file)
    export(ExportRequest(loaded, direction, form, "fp32", read_photographs([]), MIN_PSNR), kept.file.with_name(GRAPH))


def _sheet(kept: Kept, direction: Direction, pictures: Sequence[Path]) -> bytes:
    model = load_model(kept.file, sha256_of(kept.file), RunWish(direction, device="cpu", pictures=1))
    return sample_sheet(model.backend, kept.facts.image_size, pictures)
