"""The graph against the model as the paper has it, run by ONNX Runtime and by PyTorch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import onnx
import pytest
import torch
from graph.graphs import arrays, noise, plain_generator, run, session
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.graph.generator import Form, GraphForm, write_generator
from ugatit_cli.graph.tiled import Kernels

LEVEL = 2 / 255  # of a picture between -1 and 1
FORMS = get_args(Form)
LIGHT, FULL = GeneratorConfig("light", 4, 1, 32), GeneratorConfig("full", 4, 1, 32)
TENSORFLOW = replace(LIGHT, affine=True, unbiased=False), replace(FULL, affine=True, unbiased=False)
CONFIGS = {"light": LIGHT, "full": FULL, "tensorflow-light": TENSORFLOW[0], "tensorflow-full": TENSORFLOW[1]}
NETWORKS = {config: plain_generator(config) for config in CONFIGS.values()}
GRAPHS = {
    (config, form): write_generator(config, arrays(network), GraphForm(form, heatmap=True))
    for config, network in NETWORKS.items()
    for form in FORMS
}
SESSION = {form: session(GRAPHS[LIGHT, form]) for form in FORMS}


def expected(config: GeneratorConfig, pictures: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    with torch.inference_mode():
        image, _, heatmap = NETWORKS[config](torch.from_numpy(pictures))
    return image.numpy(), heatmap[:, 0].numpy()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_picture_and_heatmap_are_those_of_the_plain_generator(config: GeneratorConfig, form: Form) -> None:
    pictures = noise(3, 3, 32, 32)
    ours, theirs = run(GRAPHS[config, form], pictures), expected(config, pictures)
    assert np.abs(ours[0] - theirs[0]).max() < LEVEL / 100
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4 * np.abs(theirs[1]).max())


@settings(max_examples=25)
@given(rows=st.integers(4, 24), columns=st.integers(4, 24), batch=st.integers(1, 3), form=st.sampled_from(FORMS))
def test_light_takes_every_size_and_batch(rows: int, columns: int, batch: int, form: Form) -> None:
    pictures = noise(batch, 3, 4 * rows, 4 * columns)
    ours, _ = SESSION[form].run(None, {"image": pictures})
    assert np.abs(ours - expected(LIGHT, pictures)[0]).max() < LEVEL / 100


@pytest.mark.parametrize("kernels", get_args(Kernels))
@pytest.mark.parametrize("config", [LIGHT, FULL], ids=["light", "full"])
def test_kernels_are_the_same_whenever_they_are_transformed(config: GeneratorConfig, kernels: Kernels) -> None:
    pictures = noise(1, 3, 32, 32)
    graph = write_generator(config, arrays(NETWORKS[config]), GraphForm("tiled", kernels))
    [ours] = run(graph, pictures)
    assert np.abs(ours - expected(config, pictures)[0]).max() < LEVEL / 100


@pytest.mark.parametrize("kernels", ["loaded", "fleeting"])
def test_small_files_hold_the_kernels_as_they_are(kernels: Kernels) -> None:
    weights = arrays(NETWORKS[LIGHT])
    sizes = [write_generator(LIGHT, weights, GraphForm("tiled", each)).ByteSize() for each in (kernels, "stored")]
    assert sizes[0] < 0.7 * sizes[1]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("config", TENSORFLOW, ids=["light", "full"])
def test_biases_are_part_of_what_is_measured_and_held(config: GeneratorConfig, form: Form) -> None:
    """The convolutions' biases are no part of the maps, so the held scale and shift must have them."""
    weights, pictures = arrays(NETWORKS[config]), noise(2, 3, 32, 32)
    image, measured = run(write_generator(config, weights, GraphForm(form, statistics="measured")), pictures)
    held = session(write_generator(config, weights, GraphForm(form, statistics="held")))
    [again] = held.run(None, {"image": pictures, "held": measured})
    assert np.abs(image - expected(config, pictures)[0]).max() < LEVEL / 100
    assert np.abs(again - image).max() < LEVEL / 20


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("level", [-1.0, 0.999, 1.0])
def test_a_flat_picture_has_no_variance_and_no_accident(form: Form, level: float) -> None:
    """The statistics divide by next to nothing there: both must round alike, or at least not far apart."""
    pictures = np.full((1, 3, 64, 64), level, np.float32)
    ours, _ = SESSION[form].run(None, {"image": pictures})
    assert np.abs(ours - expected(LIGHT, pictures)[0]).max() < LEVEL / 2


@pytest.mark.parametrize("form", FORMS)
def test_levels_go_in_and_come_out_as_bytes(form: Form) -> None:
    graph = write_generator(LIGHT, arrays(NETWORKS[LIGHT]), GraphForm(form, levels=True))
    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 44, 3), dtype=np.uint8)
    [ours] = run(graph, pictures)
    image, _ = expected(LIGHT, (pictures.transpose(0, 3, 1, 2) / np.float32(127.5) - 1).astype(np.float32))
    theirs = np.round((image * 0.5 + 0.5) * 255).clip(0, 255).astype(np.uint8).transpose(0, 2, 3, 1)
    assert ours.dtype == np.uint8 and ours.shape == pictures.shape
    assert np.abs(ours.astype(int) - theirs).max() <= 1


def test_half_precision_keeps_its_sums_in_single(tmp_path: Path) -> None:
    """A map of 65536 ones would overflow float16 when it is added up."""
    graph = write_generator(LIGHT, arrays(NETWORKS[LIGHT]), GraphForm("direct", half=True))
    pictures = noise(1, 3, 272, 272)
    [ours] = run(graph, pictures)
    assert ours.dtype == np.float32
    difference = np.abs(ours - expected(LIGHT, pictures)[0])
    assert difference.mean() < LEVEL / 4
    stored = {
        initializer.data_type
        for initializer in graph.graph.initializer
        if initializer.dims[:1] and len(initializer.dims) == 4
    }
    assert onnx.TensorProto.FLOAT16 in stored


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_the_graph_is_valid_and_free_of_local_paths(config: GeneratorConfig, form: Form) -> None:
    graph = GRAPHS[config, form]
    onnx.checker.check_model(graph, full_check=True)
    assert [opset.version for opset in graph.opset_import] == [20]
    data = graph.SerializeToString()
    assert not [path for path in (str(Path.home()), str(Path.cwd()), "site-packages", ".py") if path.encode() in data]


def test_sides_are_free_for_light_and_fixed_for_full() -> None:
    def sides(config: GeneratorConfig) -> list[str | int]:
        shape = GRAPHS[config, "tiled"].graph.input[0].type.tensor_type.shape
        return [dim.dim_param or dim.dim_value for dim in shape.dim]

    assert sides(LIGHT) == ["batch", 3, "height", "width"]
    assert sides(FULL) == ["batch", 3, 32, 32]


def test_nodes_bear_the_names_of_their_layers() -> None:
    """The quantiser and whoever profiles a graph go by them."""
    names = {node.name for node in GRAPHS[LIGHT, "direct"].graph.node}
    assert len(names) == len(GRAPHS[LIGHT, "direct"].graph.node)
    layers = ["stem", "downs.1", "encoder_blocks.0.conv2", "cam", "decoder_blocks.0.conv1", "ups.1", "head"]
    assert {f"{layer}/Conv" for layer in layers} <= names
