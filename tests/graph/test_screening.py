"""Which ONNX files may run, and what is said of the others."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from graph.small_graphs import FREE, Sides, graph, inverted, saved, scaled
from onnx import TensorProto, helper

from ugatit_cli.errors import BadModelError, RefusedError, UgatitError, UsageError
from ugatit_cli.graph.facts import GraphFacts
from ugatit_cli.graph.reading import is_graph
from ugatit_cli.graph.saving import save_graph
from ugatit_cli.graph.screening import NO_RANGE, digest, screen

MUTATIONS = 600


@pytest.mark.parametrize(
    ("shape", "layout", "size"),
    [
        (FREE, "nchw", None),
        (("n", "h", "w", 3), "nhwc", None),
        ((1, 3, 64, 64), "nchw", 64),
        ((1, 64, 64, 3), "nhwc", 64),
    ],
)
def test_layout_and_size_are_read_from_the_shape(shape: Sides, layout: str, size: int | None, tmp_path: Path) -> None:
    facts = screen(saved(inverted(shape), tmp_path / "a.onnx")).facts
    assert (facts.layout, facts.height, facts.width, facts.any_size) == (layout, size, size, size is None)
    assert facts.batch == (1 if size else None)


def test_what_is_said_wins_over_the_file_and_the_file_over_a_guess(tmp_path: Path) -> None:
    model = inverted()
    path = saved(model, tmp_path / "a.onnx")
    guessed = screen(path)
    assert (guessed.facts.value_range, guessed.notes) == ("-1..1", (NO_RANGE,))
    helper.set_model_props(
        model, {"ugatit.value_range": "0..255", "ugatit.direction": "b2a", "ugatit.image_size": "96"}
    )
    facts = screen(saved(model, path)).facts
    assert (facts.value_range, facts.direction, facts.image_size, facts.colours) == ("0..255", "b2a", 96, "rgb")
    said = screen(path, value_range="0..1", bgr=True)
    assert (said.facts.value_range, said.facts.colours, said.notes) == ("0..1", "bgr", ())


@pytest.mark.parametrize("text", ["nonsense", "", "9" * 9000, "\x1b[31m", "-1..1 "])
def test_metadata_that_make_no_sense_are_passed_over(text: str, tmp_path: Path) -> None:
    model = inverted()
    helper.set_model_props(
        model, {f"ugatit.{key}": text for key in ("value_range", "direction", "image_size", "colours")}
    )
    facts = screen(saved(model, tmp_path / "a.onnx")).facts
    assert facts == GraphFacts("x", "y", "nchw", "float32", "-1..1")


def test_bytes_say_what_they_are(tmp_path: Path) -> None:
    path = saved(graph(kind=int(TensorProto.UINT8), shape=("n", "h", "w", 3)), tmp_path / "a.onnx")
    found = screen(path, value_range="0..255")
    assert (found.facts.element, found.facts.value_range, found.notes) == ("uint8", "0..255", ())
    with pytest.raises(UsageError, match="takes bytes, from 0 to 255, and --input-range says 0..1"):
        screen(path, value_range="0..1")


@pytest.mark.parametrize(
    ("shape", "out_shape", "words"),
    [
        ((1, 3, 48, 64), None, "64 x 48 only"),
        ((1, 3, 30, 30), None, "30 pixels only"),
        ((1, 3, 8192, 8192), None, "8192 pixels only"),
        ((1, 3, 64, "w"), None, "any x 64 only"),
        ((1, 3, 64, 64), (1, 3, 128, 128), "another size"),
        ((1, 3, "h", "w"), (1, "h", "w", 3), "layout"),
    ],
)
def test_graphs_that_do_not_fit(shape: Sides, out_shape: Sides | None, words: str, tmp_path: Path) -> None:
    model = graph([helper.make_node("Relu", ["x"], ["y"])], shape=shape, out_shape=out_shape)
    with pytest.raises(BadModelError, match=words):
        screen(saved(model, tmp_path / "a.onnx"))


def test_old_files_list_their_weights_as_inputs(tmp_path: Path) -> None:
    model = scaled(2.0)
    model.graph.input.append(helper.make_tensor_value_info("factor", TensorProto.FLOAT, []))
    assert screen(saved(model, tmp_path / "a.onnx")).facts.input == "x"


@pytest.mark.parametrize("shape", [[1 << 20, 1 << 20], [1, 3, 1 << 16, 1 << 16]])
def test_giant_tensors_are_refused_before_there_is_room_for_them(shape: list[int], tmp_path: Path) -> None:
    for how in ("initializer", "node"):
        nodes = [helper.make_node("Expand", ["one", "shape"], ["big"]), helper.make_node("Add", ["x", "big"], ["y"])]
        constants = {"one": np.float32(1), "shape": np.array(shape)}
        if how == "node":
            nodes.insert(0, helper.make_node("Constant", [], ["shape"], value_ints=shape))
            nodes[0] = helper.make_node(
                "Constant", [], ["shape"], value=helper.make_tensor("v", TensorProto.INT64, [len(shape)], shape)
            )
            del constants["shape"]
        model = graph(nodes, {name: np.asarray(values) for name, values in constants.items()})
        with pytest.raises(RefusedError, match="GiB"):
            screen(saved(model, tmp_path / f"{how}.onnx"))


def test_weights_beside_the_graph_count_for_its_digest(tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    save_graph(scaled(np.ones((1, 3, 128, 128), np.float32), shape=(1, 3, 128, 128)), path, external=True)
    before = screen(path).sha256
    data = path.with_name("a.onnx.data")
    data.write_bytes(b"\1" + data.read_bytes()[1:])
    assert before != screen(path).sha256 == digest(path)
    data.unlink()
    with pytest.raises(BadModelError, match="not found beside it"):
        screen(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"<!doctype html><p>", "web page"),
        (b"version https://git-lfs.github.com", "LFS"),
        (b"\0" * 99, "damaged"),
    ],
)
def test_what_is_no_graph(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    assert is_graph(path)
    with pytest.raises(BadModelError, match=words):
        screen(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        screen(tmp_path / "a.onnx")


def test_a_graph_is_one_by_its_content(tmp_path: Path) -> None:
    assert is_graph(saved(inverted(), tmp_path / "a.pt"))
    other = tmp_path / "b.onnx"
    other.write_bytes(b"PK\x03\x04")
    assert not is_graph(other) and not is_graph(tmp_path)


def test_mutated_files_end_in_documented_errors(tmp_path: Path) -> None:
    dice, path = random.Random(0), tmp_path / "a.onnx"
    good = scaled(np.ones((1, 3, 1, 1), np.float32)).SerializeToString()
    codes = set()
    for _ in range(MUTATIONS):
        at = dice.randrange(len(good))
        cut = dice.choice([1, 1, 1, 4, len(good)])
        path.write_bytes(good[:at] + dice.randbytes(dice.choice([0, 1, 1, 2])) + good[at + cut :])
        try:
            screen(path)
            codes.add(0)
        except UgatitError as error:
            codes.add(int(error.exit_code))
    assert codes <= {0, 5, 6} and {0, 5} <= codes


def test_the_shared_collection(shared: Path, tmp_path: Path) -> None:
    """Everything that a look can tell; the rest needs a run, and is tested with the command."""
    made = subprocess.run(
        [sys.executable, shared / "hostile" / "make_hostile.py", tmp_path, "--group", "onnx"], capture_output=True
    )
    assert made.returncode == 0, made.stderr
    cases = json.loads((tmp_path / "manifest.json").read_text())["cases"]
    assert len(cases) == 30
    for case in cases:
        path, expected = tmp_path / case["path"], case["expect"]["exit"]
        codes = set(expected if isinstance(expected, list) else [expected])
        if case["id"] == "ONX-08":  # its output is not finite: that needs a run
            continue
        try:
            screen(path)
            found, message = 0, ""
        except UgatitError as error:
            found, message = int(error.exit_code), error.message
        assert found in codes, (case["id"], message)
        if found:
            assert re.search(case["expect"]["message"], message, re.IGNORECASE), (case["id"], message)
