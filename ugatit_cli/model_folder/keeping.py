"""A model's file, of any format that is read, into a folder of its own: our weights or the graph, and a card."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .. import hub, weights
from ..config import Direction, GeneratorConfig
from ..errors import BadModelError, UsageError
from ..files import PART_SUFFIX, making, remove_old_parts, sha256_of, sync_folder, write_atomically, writing
from ..graph.reading import is_graph
from ..loading import Wish as RunWish
from ..loading import load_model
from ..model_file import DATA_SUFFIX
from ..weights.model import Tensors
from ..weights.stripes import without_stripes
from .about import About
from .card import Facts, write_card

HALF_BYTES = 2  # of a number
LARGEST_HALF = 65_504
CARD, GRAPH = "README.md", "model.onnx"
WHAT_IT_IS = {
    hub.FOLDER_WEIGHTS: "the weights, with all that is needed to rebuild the network",
    GRAPH: "the graph",
    GRAPH + DATA_SUFFIX: "its weights",
}


@dataclass(frozen=True)
class Wish:
    """How a model shall be kept.

    Attributes:
        named: with a row, so that its name works like one of the program's.
        said: texts for the card, as `About` has them; None for what the file says.
        half: in half precision; what loses nothing by it is kept so anyway.
        no_grid: with a last convolution that is blind to stripes, one pixel wide.
        smoothing: how a TensorFlow checkpoint was trained; None for what its folder's name says.
        size: the side in pixels that it works at unless told otherwise; None for what the file says.
        entry: the row of a source that was asked for by name: how pictures and faces meet it does not change.
    """

    name: str
    named: bool = False
    said: Mapping[str, str | None] = field(default_factory=dict)
    half: bool = False
    no_grid: bool = False
    smoothing: bool | None = None
    size: int | None = None
    entry: hub.RegistryEntry | None = None


@dataclass(frozen=True)
class Kept:
    """A model in its folder.

    Attributes:
        file: the weights or the graph.
        notes: what the reader of the source had to say.
    """

    file: Path
    about: About
    facts: Facts
    notes: tuple[str, ...]


def keep_model(source: Path, folder: Path, wish: Wish) -> Kept:
    """Make `folder`, whole or not at all, from the model file `source`.

    Raises:
        UsageError: the source does not exist, or is a graph whose weights should be changed.
        BadModelError, RefusedError: it cannot or must not be used.
        OutputError, ResourceError: the folder cannot be written.
    """
    with _whole_folder(folder) as part:
        kept = _keep_graph(source, part, wish) if is_graph(source) else _keep_weights(source, part, wish)
        _try_out(kept)
        usage = wish.name if wish.named else f"./{folder.name}"
        card = write_card(kept.about, kept.facts, usage=usage, files=_described(part))
        write_atomically(part / CARD, card.encode(errors="replace"))  # a folder's name need not be text
        if wish.named:
            write_atomically(part / hub.OWN_ROW, _row(kept, wish.entry).encode())
    return replace(kept, file=folder / kept.file.name)


def _described(part: Path) -> dict[str, str]:
    return {name: text for name, text in WHAT_IT_IS.items() if (part / name).exists()}


@contextmanager
def _whole_folder(folder: Path) -> Iterator[Path]:
    """A hidden folder beside, which gets its name in the end; nothing is left of it otherwise."""
    with making(folder.parent):
        with writing(folder):
            remove_old_parts(folder.parent)
            part = folder.parent / f".{secrets.token_hex(6)}{PART_SUFFIX}"
            part.mkdir()
        try:
            yield part
            with writing(folder):
                os.rename(part, folder)
                sync_folder(folder.parent)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _keep_weights(source: Path, part: Path, wish: Wish) -> Kept:
    loaded = weights.load(source, smoothing=wish.smoothing)
    about = About.from_texts(wish.name, wish.said, loaded.metadata)
    origin = {"source_sha256": loaded.sha256, "source_format": loaded.format}
    path = part / hub.FOLDER_WEIGHTS
    metadata = {**loaded.metadata, **about.to_metadata(), **origin}
    generators: Mapping[Direction, Tensors] = loaded.generators
    if wish.no_grid:
        generators = {direction: without_stripes(state) for direction, state in generators.items()}
        metadata["changed"] = "the last convolution is blind to stripes of one pixel"
    if wish.half:
        _check_half(source, generators)
    config = _at_size(loaded.config, wish.size)
    weights.save(path, config, generators, metadata=metadata, half=wish.half or _is_half(loaded))
    first = loaded.generator()[0]
    directions = (first, *(each for each in loaded.generators if each != first))
    facts = Facts(config, directions, config.image_size, loaded.format, loaded.sha256)
    return Kept(path, about, facts, loaded.notes)


def _at_size(config: GeneratorConfig, size: int | None) -> GeneratorConfig:
    """Raises UsageError where the network runs at one size only."""
    if size is None or size == config.image_size:
        return config
    if not config.any_size:
        text = f"it works at {config.image_size} pixels only, as every model of the full variant at its own"
        raise UsageError(text, hint="leave --size out", name="size-fixed")
    return replace(config, image_size=size)


def _check_half(source: Path, generators: Mapping[Direction, Tensors]) -> None:
    """Raises BadModelError where a number is too large for half precision."""
    for generator in generators.values():
        for name, tensor in generator.items():
            if float(tensor.abs().max()) > LARGEST_HALF:
                text = f"cannot use the model {source}: {name} holds a number beyond {LARGEST_HALF:,}, the most of half precision"
                raise BadModelError(text, hint="leave --half out", name="model-not-half")


def _is_half(loaded: weights.ModelWeights) -> bool:
    """Whether every number is one in half precision already: such weights would only become twice as large."""
    return all(
        tensor.dtype.itemsize == HALF_BYTES or bool((tensor.half() == tensor).all())
        for generator in loaded.generators.values()
        for tensor in generator.values()
    )


def _keep_graph(source: Path, part: Path, wish: Wish) -> Kept:
    """As it is, once it was looked at; weights in other files come along."""
    from ..graph.saving import copy_graph
    from ..graph.screening import screen

    given = {
        "--no-grid": wish.no_grid,
        "--half": wish.half,
        "--smoothing": wish.smoothing is not None,
        "--size": wish.size is not None,
    }
    for option in (name for name, is_given in given.items() if is_given):
        hint = "import the weights it was made from, and export those"
        raise UsageError(f"{option} is about weights, and a graph stays as it is", hint=hint, name="graph-unchanged")
    screened = screen(source)
    path = part / GRAPH
    copy_graph(screened.path, path)
    directions: tuple[Direction, ...] = (screened.facts.direction,) if screened.facts.direction else ()
    facts = Facts(None, directions, screened.facts.image_size, "onnx", screened.sha256)
    return Kept(path, About.from_texts(wish.name, wish.said, screened.about), facts, screened.notes)


def _try_out(kept: Kept) -> None:
    """One picture in each direction: numbers that are finite may still overflow on the way. Raises BadModelError."""
    for direction in kept.facts.directions or (None,):
        load_model(kept.file, "", RunWish(direction, backend="torch" if kept.facts.config else "auto", device="cpu"))


def _row(kept: Kept, source: hub.RegistryEntry | None) -> str:
    """As in the program's own registry; JSON's texts, numbers and lists of them are TOML's, too."""
    about, facts = kept.about, kept.facts
    values: dict[str, Any] = {
        "file": kept.file.name,
        "format": "safetensors" if facts.config else "onnx",
        "sha256": sha256_of(kept.file),
        "bytes": kept.file.stat().st_size,
        "direction": _direction(facts, source),
        "domain_a": about.domain_a,
        "domain_b": about.domain_b,
        "variant": facts.config.variant if facts.config else "graph",
        "image_size": facts.image_size,
        "framing": source.framing if source else "keep",
        "license": about.license,
        "source": about.source,
    }
    values |= {key: value for key in ("face", "face_only") if (value := getattr(source, key, None))}
    data = kept.file.with_name(kept.file.name + DATA_SUFFIX)
    values |= {"data_sha256": sha256_of(data)} if data.exists() else {}
    text = "".join(f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items())
    return text.replace("\x7f", "")  # the one character that JSON allows and TOML does not


def _direction(facts: Facts, source: hub.RegistryEntry | None) -> Direction:
    """The source's own where that is in the file, or the file does not say."""
    if source is not None and source.direction in (facts.directions or (source.direction,)):
        return source.direction
    return facts.directions[0] if facts.directions else "a2b"
