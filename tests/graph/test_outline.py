"""A graph read without its weights is the same graph, whatever lies in the file; damage and floods end in an error."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from graph.small_graphs import graph, saved, scaled
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto, helper, numpy_helper

from ugatit_cli.errors import BadModelError, RefusedError
from ugatit_cli.graph.outline import LARGE, MOST_BYTES, MOST_FIELDS, read_outline

NODE = b"\x0a\x00"  # an empty one, as a field of a graph


def outline(path: Path) -> ModelProto:
    with path.open("rb") as file:
        return read_outline(file)


def bare(model: ModelProto) -> ModelProto:
    """What the outline of `model` must be, said with protobuf."""
    copy = ModelProto()
    copy.CopyFrom(model)
    constants = [each.t for node in copy.graph.node for each in node.attribute if each.HasField("t")]
    for tensor in (*copy.graph.initializer, *constants):
        for field in ("raw_data", "float_data"):
            if len(tensor.raw_data) > LARGE or 4 * len(tensor.float_data) > LARGE:
                tensor.ClearField(field)
    return copy


@settings(max_examples=40)
@given(sizes=st.lists(st.integers(0, 3 * LARGE), max_size=5), typed=st.booleans(), doc=st.integers(0, 2 * LARGE))
def test_only_large_numbers_are_left_out(
    sizes: list[int], typed: bool, doc: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    model = graph()
    for number, size in enumerate(sizes):
        values = np.arange(size // 4, dtype=np.float32)
        tensor = numpy_helper.from_array(values, f"w{number}")
        if typed:
            tensor = helper.make_tensor(f"w{number}", 1, values.shape, values)
        model.graph.initializer.append(tensor)
        model.graph.node.append(helper.make_node("Constant", [], [f"c{number}"], value=tensor, name="n" * (size % 50)))
    model.graph.doc_string = "d" * doc
    helper.set_model_props(model, {"key": "t" * doc})
    assert outline(saved(model, tmp_path_factory.mktemp("outline") / "a.onnx")) == bare(model)


def test_weights_are_not_read(tmp_path: Path) -> None:
    path = saved(scaled(np.ones((1, 3, 2048, 2048), np.float32), shape=(1, 3, 2048, 2048)), tmp_path / "a.onnx")
    tracemalloc.start()
    outline(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 48 << 20 and peak < 1 << 20


@pytest.mark.parametrize("kept", [1, 5, 30, 99, 0.5])
def test_a_file_that_is_cut_off(kept: float, tmp_path: Path) -> None:
    path = saved(scaled(np.ones((1, 3, 64, 64), np.float32), shape=(1, 3, 64, 64)), tmp_path / "a.onnx")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept if kept >= 1 else kept * len(whole))])
    with pytest.raises(BadModelError, match="cut off"):
        outline(path)


@pytest.mark.parametrize(
    "content",
    [b"\x0b\x0c", b"\x3f", b"\x80" * 20, b"\x08" + b"\xff" * 11, b"\x3a\xff\xff\xff\xff\x7f", b"\x09\x00", b"\x0d"],
    ids=["group", "unknown way", "no tag", "endless number", "longer than the file", "8 bytes cut", "4 bytes cut"],
)
def test_what_protobuf_does_not_write(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    with pytest.raises(BadModelError, match="cannot be parsed"):
        outline(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [(NODE * (MOST_FIELDS + 1), "parts"), (b"\x32" + b"\x80\x80\x80\x08" + b"d" * MOST_BYTES, "MB")],
)
def test_floods_are_refused(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    length = len(content)
    digits = bytes([length & 127 | 128, length >> 7 & 127 | 128, length >> 14 & 127 | 128, length >> 21])
    path.write_bytes(content if words == "MB" else b"\x3a" + digits + content)
    with pytest.raises(RefusedError, match=words):
        outline(path)
