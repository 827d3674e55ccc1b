"""What our graphs say about themselves, and what is believed of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ugatit_cli.config import Direction, GeneratorConfig
from ugatit_cli.graph.facts import GraphFacts, ValueRange
from ugatit_cli.graph.metadata import GraphDescription, apply_properties, says_range, to_properties

BARE = GraphFacts("x", "y", "nchw", "float32", "-1..1")


@pytest.mark.parametrize("value_range", ["-1..1", "0..1", "0..255"])
@pytest.mark.parametrize("direction", ["a2b", "b2a"])
def test_what_is_written_is_read_again(value_range: ValueRange, direction: Direction) -> None:
    facts = replace(BARE, value_range=value_range, direction=direction, image_size=96, colours="bgr", truncated=True)
    description = GraphDescription(GeneratorConfig(), "1.0", "0" * 64, source={"license": "CC0"}, parity={"largest": 1})
    properties = to_properties(description, facts)
    assert apply_properties(BARE, properties) == facts
    assert properties["ugatit.model.license"] == "CC0"
    assert properties["ugatit.source_sha256"] == "0" * 64


@pytest.mark.parametrize("size", ["98", "0", "8", "4100", "096000", "1e2", "١٢٨", "-64", "64 ", "9" * 5000])
def test_sizes_that_no_generator_has_are_passed_over(size: str) -> None:
    assert apply_properties(BARE, {"ugatit.image_size": size}) == BARE


def test_a_fixed_size_and_bytes_speak_for_themselves() -> None:
    fixed = replace(BARE, element="uint8", value_range="0..255", height=64, width=64, image_size=64)
    assert apply_properties(fixed, {"ugatit.image_size": "96", "ugatit.value_range": "-1..1"}) == fixed


@pytest.mark.parametrize(("text", "said"), [("0..1", True), ("0..2", False), ("", False)])
def test_a_range_is_said_in_words_that_are_known(text: str, said: bool) -> None:
    assert says_range({"ugatit.value_range": text}) is said
    assert not says_range({"value_range": text})
