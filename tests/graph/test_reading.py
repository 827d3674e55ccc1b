"""Graphs are told from other models by their content."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from graph.small_graphs import inverted, saved
from onnx import helper, numpy_helper

from ugatit_cli.graph.reading import is_graph


def test_a_brace_where_safetensors_has_one(tmp_path: Path) -> None:
    """No producer, megabytes of graph and a first node of 123 bytes: the ninth byte is `{`."""
    model = inverted()
    model.ClearField("producer_name")
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(1 << 20, np.float32), "w"))
    only = model.graph.node[0]
    only.doc_string = "d" * (ord("{") - only.ByteSize() - 2)
    path = saved(model, tmp_path / "a.bin")
    assert path.read_bytes()[8:9] == b"{" and is_graph(path)


@pytest.mark.parametrize("length", [0x120908, 0x120908 + (3 << 24), 80])
def test_safetensors_whose_length_begins_like_a_graph(length: int, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(struct.pack("<Q", length) + b'{"w": ...')
    assert not is_graph(path)


@pytest.mark.parametrize("producer", ["", "pytorch", "\x1b[31m"])
def test_who_made_it_does_not_matter(producer: str, tmp_path: Path) -> None:
    model = inverted()
    model.producer_name = producer
    helper.set_model_props(model, {"a": "b"})
    assert is_graph(saved(model, tmp_path / "a.pt"))
