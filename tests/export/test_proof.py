"""What the comparison of a graph with its weights finds out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from graph.small_graphs import graph, saved
from numpy.typing import NDArray
from onnx import helper

from ugatit_cli.backends.onnx import OnnxBackend
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.export.proof import compare_backends
from ugatit_cli.graph.facts import GraphFacts

FACTS = GraphFacts("x", "y", "nchw", "float32", "-1..1")
CONFIG = GeneratorConfig("light", 4, 1, 32)
PHOTOGRAPHS = list(np.random.default_rng(1).integers(0, 256, (3, 48, 40, 3), np.uint8))


def test_pictures_of_a_batch_meet_the_graph_together(tmp_path: Path) -> None:
    """One that is right for single pictures, and gives all of a batch the first one's translation."""
    numbers: dict[str, NDArray] = {
        "zero": np.array([0], np.int64),
        "one": np.array([1], np.int64),
        "none": np.array(0, np.float32),
    }
    nodes = [
        helper.make_node("Slice", ["x", "zero", "one"], ["first"]),
        helper.make_node("Mul", ["x", "none"], ["nothing"]),
        helper.make_node("Add", ["nothing", "first"], ["y"]),
    ]
    wrong = OnnxBackend(saved(graph(nodes, numbers), tmp_path / "wrong.onnx"), FACTS, "cpu")
    same = OnnxBackend(saved(graph(), tmp_path / "same.onnx"), FACTS, "cpu")
    for tried, is_right in ((same, True), (wrong, False)):
        rows = list(compare_backends(same, tried, CONFIG, PHOTOGRAPHS))
        assert {row.batch for row in rows} == {1, 2, 3}
        assert all((row.parity.largest == 0) == (is_right or row.batch == 1) for row in rows)
