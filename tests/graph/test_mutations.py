"""Our own graphs with a few bytes changed: whatever that makes of them ends in an error that is documented."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from graph.graphs import arrays, plain_generator
from hypothesis import given, settings
from hypothesis import strategies as st

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError, RefusedError
from ugatit_cli.graph.generator import GraphForm, write_generator
from ugatit_cli.graph.saving import save_graph
from ugatit_cli.graph.screening import screen

EXAMPLES = 300
GENERATOR = GeneratorConfig("full", channels=4, blocks=1, image_size=32)
BYTES = st.one_of(st.sampled_from([0, 1, 2, 8, 10, 0x7F, 0x80, 0xFF]), st.integers(0, 255))


@cache
def good(folder: Path) -> tuple[Path, bytes]:
    """A graph with weights beside it, and what is in its file."""
    path = folder / "good.onnx"
    save_graph(write_generator(GENERATOR, arrays(plain_generator(GENERATOR)), GraphForm("direct")), path, external=True)
    return path, path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations")


def test_the_graph_is_good_before_it_is_changed(folder: Path) -> None:
    path, _ = good(folder)
    assert screen(path).facts.image_size == GENERATOR.image_size


@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_mutated_files_end_in_documented_errors(data: st.DataObject, folder: Path) -> None:
    path, content = good(folder)
    for _ in range(data.draw(st.integers(1, 4))):
        near_the_end = data.draw(st.booleans())  # where inputs, outputs and the list of weights are
        at = data.draw(st.integers(max(0, len(content) - 4000) if near_the_end else 0, max(0, len(content) - 1)))
        removed = data.draw(st.sampled_from([0, 1, 1, 1, 2, 8, len(content)]))
        content = content[:at] + bytes(data.draw(st.lists(BYTES, max_size=3))) + content[at + removed :]
    mutated = path.with_name("mutated.onnx")
    mutated.write_bytes(content)
    try:
        facts = screen(mutated).facts
    except (BadModelError, RefusedError):
        return
    assert facts.layout in ("nchw", "nhwc") and facts.image_size % 4 == 0
