"""What our graphs say about themselves, and what is believed of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ugatit_cli.config import Direction, GeneratorConfig
from ugatit_cli.graph.facts import GraphFacts, ValueRange
from ugatit_cli.graph.metadata import GraphDescription, apply_properties, to_properties

BARE = GraphFacts("x", "y", "nchw", "float32", "-1..1")


@pytest.mark.parametrize("value_range", ["-1..1", "0..1", "0..255"])
@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_what_is_written_is_read_again(value_range: ValueRange, direction: Direction) -> None:
    facts = replace(BARE, value_range=value_range, direction=direction, image_size=96, colours="bgr")
    description = GraphDescription(GeneratorConfig(), "1.0", "0" * 64, source={"license": "CC0"}, parity={"largest": 1})
    properties = to_properties(description, facts)
    assert apply_properties(BARE, properties) == facts
    assert properties["ugatit.model.license"] == "CC0"
    assert properties["ugatit.source_sha256"] == "0" * 64
