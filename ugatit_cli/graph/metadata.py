"""What our graphs say about themselves, as texts in the file: enough to run one without asking anybody."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, get_args

from ..config import SIZE_MULTIPLE, Direction, GeneratorConfig
from .facts import LARGEST_SIDE, PREFIX, SMALLEST_SIDE, Colours, GraphFacts, ValueRange

_ABOUT = "model."  # before the names of texts about the model


@dataclass(frozen=True)
class GraphDescription:
    """Attributes:
    config: the generator's shape.
    version: of the program that wrote the graph.
    source_sha256: of the weights it was made from.
    precision: of its convolutions: fp32, fp16 or int8.
    source: texts about the model that its weights carry (licence, origin, domains ...).
    parity: how far its translations were from those of the weights, as it was measured.
    """

    config: GeneratorConfig
    version: str
    source_sha256: str
    precision: str = "fp32"
    source: Mapping[str, str] = field(default_factory=dict)
    parity: Mapping[str, Any] = field(default_factory=dict)


def to_properties(description: GraphDescription, facts: GraphFacts) -> dict[str, str]:
    """All keys begin with `ugatit.`."""
    about = {f"{_ABOUT}{name}": text for name, text in description.source.items()}
    own = {
        "config": json.dumps(description.config.to_dict(), sort_keys=True),
        "version": description.version,
        "source_sha256": description.source_sha256,
        "precision": description.precision,
        "parity": json.dumps(description.parity, sort_keys=True),
        "direction": facts.direction or "",
        "image_size": str(facts.image_size),
        "layout": facts.layout,
        "value_range": facts.value_range,
        "levels": "truncated" if facts.truncated else "rounded",
        "colours": facts.colours,
    }
    return {f"{PREFIX}{name}": text for name, text in (own | about).items()}


def apply_properties(facts: GraphFacts, properties: Mapping[str, str]) -> GraphFacts:
    """`facts` with what the texts say about values and sizes; whatever makes no sense there is passed over."""
    said = _own(properties)
    known: dict[str, Any] = {}
    for name, kind in (("value_range", ValueRange), ("colours", Colours), ("direction", Direction)):
        if said.get(name) in get_args(kind):
            known[name] = said[name]
    if facts.element == "uint8":
        known.pop("value_range", None)
    known["truncated"] = said.get("levels") == "truncated"
    size = said.get("image_size", "")
    if facts.any_size and len(size) <= 4 and size.isascii() and size.isdecimal() and _is_side(int(size)):
        known["image_size"] = int(size)
    return replace(facts, **known)


def about_model(properties: Mapping[str, str]) -> dict[str, str]:
    """What its weights carried: see `GraphDescription.source`."""
    said = _own(properties)
    return {name.removeprefix(_ABOUT): text for name, text in said.items() if name.startswith(_ABOUT)}


def says_range(properties: Mapping[str, str]) -> bool:
    """Whether what black and white are stands there, in words that are known."""
    return _own(properties).get("value_range") in get_args(ValueRange)


def _own(properties: Mapping[str, str]) -> dict[str, str]:
    return {name.removeprefix(PREFIX): text for name, text in properties.items() if name.startswith(PREFIX)}


def _is_side(size: int) -> bool:
    return SMALLEST_SIDE <= size <= LARGEST_SIDE and size % SIZE_MULTIPLE == 0
