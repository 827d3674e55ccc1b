"""ONNX Runtime and OpenVINO on graphs of every layout: the same pictures in, the same pictures out."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from graph.graphs import arrays, plain_generator
from graph.small_graphs import graph, inverted, saved, scaled
from numpy.typing import NDArray
from onnx import ModelProto, TensorProto, helper

from ugatit_cli.backends import Backend, load_backend
from ugatit_cli.backends.batching import measured_batch_size
from ugatit_cli.backends.onnx import OnnxBackend
from ugatit_cli.backends.openvino import OpenvinoBackend
from ugatit_cli.backends.pixels import from_graph, to_graph
from ugatit_cli.backends.providers import cuda_problem
from ugatit_cli.cache import VARIABLE
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError, DeviceError, ResourceError, UgatitError, UsageError
from ugatit_cli.graph.facts import Colours, Element, GraphFacts, Layout, ValueRange
from ugatit_cli.graph.generator import GraphForm, facts_of, write_generator
from ugatit_cli.graph.screening import screen

BACKENDS = [OnnxBackend, OpenvinoBackend]
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 24, 40, 3), np.uint8)
RANGES: list[ValueRange] = ["-1..1", "0..1", "0..255"]


@pytest.mark.parametrize(
    ("layout", "value_range", "colours", "element"),
    list(product(["nchw", "nhwc"], RANGES, ["rgb", "bgr"], ["float32", "float16", "uint8"])),
)
def test_levels_survive_the_way_there_and_back(
    layout: Layout, value_range: ValueRange, colours: Colours, element: Element
) -> None:
    facts = GraphFacts("x", "y", layout, element, value_range, colours)
    numbers = to_graph(PICTURES, facts)
    assert numbers.dtype == element and numbers.flags.c_contiguous
    difference = np.abs(from_graph(numbers, facts).astype(int) - PICTURES)
    assert difference.max() <= (1 if element == "float16" else 0)


def test_black_and_white_are_where_they_belong() -> None:
    ends = np.array([0, 255], np.uint8).reshape(2, 1, 1, 1).repeat(3, axis=3)
    for value_range, expected in zip(RANGES, [(-1, 1), (0, 1), (0, 255)], strict=True):
        numbers = to_graph(ends, GraphFacts("x", "y", "nhwc", "float32", value_range))
        assert (numbers[0, 0, 0, 0], numbers[1, 0, 0, 0]) == expected
    assert (
        from_graph(np.array([[[[-3, 0.5, 9]]]], np.float32), GraphFacts("x", "y", "nhwc", "float32", "0..1"))
        == [0, 128, 255]
    ).all()


def opened(kind: type[OnnxBackend | OpenvinoBackend], model: ModelProto, folder: Path, **facts: object) -> Backend:
    path = saved(model, folder / "a.onnx")
    backend = kind(path, replace(screen(path).facts, **facts), "cpu")  # type: ignore[arg-type]
    backend.try_out()
    return backend


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize(
    "model", [inverted(), inverted(("n", "h", "w", 3)), inverted((2, 3, "h", "w"))], ids=["nchw", "nhwc", "batch of 2"]
)
def test_a_strangers_graph_inverts(kind: type[OnnxBackend], model: ModelProto, tmp_path: Path) -> None:
    backend = opened(kind, model, tmp_path)
    assert (backend(PICTURES) == 255 - PICTURES).all()
    assert backend.device == "cpu" and backend.provider


@pytest.mark.parametrize("kind", BACKENDS)
def test_colours_reach_the_graph_in_its_order(kind: type[OnnxBackend], tmp_path: Path) -> None:
    first_only = scaled(np.array([1, 0, 0], np.float32).reshape(1, 3, 1, 1))
    translated = opened(kind, first_only, tmp_path, colours="bgr", value_range="0..255")(PICTURES)
    assert (translated[..., 2] == PICTURES[..., 2]).all() and not translated[..., :2].any()


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize(
    ("model", "name"),
    [
        (scaled(np.nan), "model-not-finite"),
        (scaled(np.inf), "model-not-finite"),
        (scaled(0.0), "model-constant"),
        (graph([helper.make_node("Transpose", ["x"], ["y"], perm=[0, 1, 3, 2])], shape=("n", 3, "h", "w")), None),
        (graph([helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[2, 2])]), "model-output"),
    ],
    ids=["nan", "inf", "constant", "square only", "half as large"],
)
def test_graphs_that_only_a_run_finds_out(
    kind: type[OnnxBackend], model: ModelProto, name: str | None, tmp_path: Path
) -> None:
    with pytest.raises(BadModelError) as caught:
        opened(kind, model, tmp_path)(PICTURES)
    assert caught.value.name == (name or "model-output")


@pytest.mark.parametrize("kind", BACKENDS)
def test_sides_in_larger_steps_are_hinted_at(kind: type[OnnxBackend], tmp_path: Path) -> None:
    halved = helper.make_node("MaxPool", ["x"], ["small"], kernel_shape=[16, 16], strides=[16, 16])
    doubled = helper.make_node("Resize", ["small", "", "scales"], ["y"], mode="nearest")
    model = graph([halved, doubled], {"scales": np.array([1, 1, 16, 16], np.float32)}, out_shape=("n", 3, "a", "b"))
    backend = opened(kind, model, tmp_path)
    assert backend(np.zeros((1, 256, 256, 3), np.uint8)).shape == (1, 256, 256, 3)
    with pytest.raises(BadModelError) as caught:
        backend(PICTURES)
    assert caught.value.hint == "its sides may need to be multiples of more than 4: try --fit stretch --size 256"


@pytest.mark.parametrize("kind", BACKENDS)
@pytest.mark.parametrize(
    "form", [GraphForm("tiled", heatmap=True), GraphForm("direct", heatmap=True)], ids=["tiled", "direct"]
)
def test_ours_translate_as_pytorch_does(kind: type[OnnxBackend], form: GraphForm, tmp_path: Path) -> None:
    config = GeneratorConfig("light", 4, 1, 32)
    network = plain_generator(config)
    path = saved(write_generator(config, arrays(network), form), tmp_path / "a.onnx")
    tensors: dict[str, torch.Tensor] = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    pictures, heatmaps = kind(path, facts_of(config, form), "cpu").translate_with_heatmap(PICTURES)
    expected, attention = load_backend(config, tensors, "cpu").translate_with_heatmap(PICTURES)
    assert np.abs(pictures.astype(int) - expected).max() <= 1
    np.testing.assert_allclose(heatmaps, attention, atol=1e-3 * np.abs(attention).max())


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_heatmap_that_is_not_there(kind: type[OnnxBackend], tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="no heat-map"):
        opened(kind, inverted(), tmp_path).translate_with_heatmap(PICTURES)


@pytest.mark.parametrize(
    ("kind", "device", "error"), [(OnnxBackend, "mps", DeviceError), (OpenvinoBackend, "cuda", UsageError)]
)
def test_devices_that_it_cannot_have(
    kind: type[OnnxBackend], device: str, error: type[UgatitError], tmp_path: Path
) -> None:
    path = saved(inverted(), tmp_path / "a.onnx")
    with pytest.raises(error):
        kind(path, screen(path).facts, device)


@pytest.mark.skipif(cuda_problem() is None, reason="there is a CUDA device here")
@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_gpu_that_is_not_there_is_no_cpu(device: str, tmp_path: Path) -> None:
    path = saved(inverted(), tmp_path / "a.onnx")
    with pytest.raises(DeviceError, match=f"cannot run on {device}"):
        OnnxBackend(path, screen(path).facts, device)
    assert OnnxBackend(path, screen(path).facts, "auto").device == "cpu"


@pytest.mark.gpu
def test_a_gpu_translates_as_the_cpu_does(tmp_path: Path) -> None:
    config, form = GeneratorConfig("light", 4, 1, 32), GraphForm("direct")
    path = saved(write_generator(config, arrays(plain_generator(config)), form), tmp_path / "a.onnx")
    pictures: list[NDArray[np.uint8]] = [
        OnnxBackend(path, facts_of(config, form), device)(PICTURES) for device in ("cpu", "cuda")
    ]
    assert np.abs(pictures[0].astype(int) - pictures[1]).max() <= 1


def bound(model: ModelProto, folder: Path) -> OnnxBackend:
    """Runs on the CPU as on a GPU: its tensors are bound beforehand."""
    backend = OnnxBackend(saved(model, folder / "a.onnx"), GraphFacts("x", "y", "nchw", "float32", "-1..1"), "cpu")
    backend.device = "cuda"
    return backend


def test_tensors_bound_beforehand_give_the_same(tmp_path: Path) -> None:
    assert (bound(inverted(), tmp_path)(PICTURES) == 255 - PICTURES).all()


@pytest.mark.parametrize(
    ("operator", "numbers", "error", "name"),
    [
        ("Expand", [1 << 34, 1, 1, 1], ResourceError, "out-of-memory"),
        ("Reshape", [7, 5], BadModelError, "model-run"),
    ],
    ids=["too much memory", "any other failure"],
)
def test_what_fails_on_a_gpu_is_told_as_on_a_cpu(
    operator: str, numbers: list[int], error: type[UgatitError], name: str, tmp_path: Path
) -> None:
    shape = {"shape": np.array(numbers, np.int64)}
    model = graph([helper.make_node(operator, ["x", "shape"], ["y"])], shape, out_shape=["any"] * len(numbers))
    backend = bound(model, tmp_path)
    for device in ("cpu", "cuda"):
        backend.device = device
        with pytest.raises(error) as caught:
            backend(PICTURES[:1])
        assert caught.value.name == name


@pytest.mark.skipif(sys.platform != "linux", reason="names are text there")
def test_a_graph_whose_name_onnx_runtime_cannot_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / os.fsdecode(b"bad_\xff")
    folder.mkdir()
    with pytest.raises(BadModelError, match="not UTF-8") as caught:
        opened(OnnxBackend, inverted(), folder)
    assert caught.value.name == "model-onnx-load" and "rename" in caught.value.hint
    monkeypatch.setenv(VARIABLE, str(folder))
    with pytest.raises(BadModelError) as caught:
        opened(OnnxBackend, inverted(), folder)
    assert VARIABLE in caught.value.hint


def test_bytes_go_in_and_come_out(tmp_path: Path) -> None:
    model = graph(kind=int(TensorProto.UINT8), shape=("n", "h", "w", 3))
    assert (opened(OnnxBackend, model, tmp_path)(PICTURES) == PICTURES).all()


@pytest.mark.parametrize("at_once", [2, 3])
def test_pictures_translated_at_once_are_the_same(at_once: int, tmp_path: Path) -> None:
    config, form = GeneratorConfig("light", 4, 1, 32), GraphForm("tiled", heatmap=True)
    path = saved(write_generator(config, arrays(plain_generator(config)), form), tmp_path / "a.onnx")
    pictures = np.random.default_rng(0).integers(0, 256, (7, 32, 36, 3), np.uint8)
    one, several = (OnnxBackend(path, facts_of(config, form), "cpu", count) for count in (1, at_once))
    for ours, theirs in zip(
        several.translate_with_heatmap(pictures), one.translate_with_heatmap(pictures), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    assert measured_batch_size(several, 32, 32) == 2 * at_once
    assert measured_batch_size(one, 32, 32) == 1
