"""Checkpoints of the official TensorFlow code: the golden ones, random ones, and what is wrong with others."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import golden_foreign
import golden_pytorch
import numpy as np
import pytest
import torch
from graph.graphs import run
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reference import PlainGenerator
from typer.testing import CliRunner
from weights.tensorflow_checkpoints import NAME, index_path, random_variables, write

from ugatit_cli import hub, tensorflow_files, weights
from ugatit_cli.cli import app
from ugatit_cli.config import Direction, GeneratorConfig
from ugatit_cli.errors import BadModelError, UsageError
from ugatit_cli.graph.generator import Form, GraphForm, write_generator
from ugatit_cli.network import Generator
from ugatit_cli.weights import official_tensorflow
from ugatit_cli.weights.tensorflow_data import DataFiles
from ugatit_cli.weights.tensorflow_index import read_index

CASES = [*golden_foreign.TENSORFLOW, "older_layout"]
OFFICIAL = "UGATIT_selfie2anime_lsgan_4resblock_6dis_1_1_10_10_1000_sn"
LIGHT = GeneratorConfig("light", 2, 1, affine=True, unbiased=False, truncated=True)
FULL = replace(LIGHT, variant="full", image_size=16)


# ---- the golden checkpoints


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", [Generator, PlainGenerator])
def test_the_network_gives_the_numbers_of_tensorflow(name: str, form: type[torch.nn.Module], shared: Path) -> None:
    source = golden_foreign.tensorflow(shared, name)
    model = weights.load(source.path)
    assert (model.config, model.format) == (source.config, "official-tensorflow")
    for direction, case in golden_foreign.cases(source):
        network = form(model.config).eval()
        network.load_state_dict(dict(model.generators[direction]))
        with torch.inference_mode():
            found = network(case.input, heatmap=True) if form is Generator else network(case.input)
        golden_pytorch.assert_generator_matches(case, *found)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("form", get_args(Form))
def test_its_graphs_do_so_too(name: str, form: Form, shared: Path) -> None:
    source = golden_foreign.tensorflow(shared, name)
    model = weights.load(source.path)
    for direction, case in golden_foreign.cases(source):
        tensors = {name: tensor.numpy() for name, tensor in model.generators[direction].items()}
        graph = write_generator(model.config, tensors, GraphForm(form, heatmap=True))
        image, heatmap = map(torch.from_numpy, run(graph, case.input.numpy()))
        golden_pytorch.assert_generator_matches(case, image, case.cam_logits, heatmap[:, None])


@pytest.mark.parametrize("backend", ["torch", "onnx"])
@pytest.mark.parametrize(("picture", "direction"), [("face", "a2b"), ("toon", "b2a")])
@pytest.mark.parametrize("name", golden_foreign.TENSORFLOW)
def test_translate_writes_the_pictures_of_the_official_test_run(
    name: str, picture: str, direction: Direction, backend: str, shared: Path, tmp_path: Path
) -> None:
    folder = shared / "golden" / "tensorflow" / name
    resized = folder / "resized" / f"{picture}.png"
    asked = [
        "-m",
        golden_foreign.tensorflow(shared, name).path,
        "--direction",
        direction,
        "--size",
        len(pixels(resized)),
    ]
    words = ["translate", resized, "-o", tmp_path / "out.png", "--device", "cpu", "--backend", backend, *asked]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    (official,) = folder.glob(f"results/*/{picture}.png")
    difference = np.abs(pixels(tmp_path / "out.png").astype(int) - pixels(official))
    assert difference.max() <= 1
    assert np.mean(difference > 0) <= 0.01


def test_an_exported_graph_writes_them_too(shared: Path, tmp_path: Path) -> None:
    folder = shared / "golden" / "tensorflow" / "light_nosmoothing"
    words = ["-m", golden_foreign.tensorflow(shared, folder.name).path, "-o", tmp_path / "x.onnx"]
    assert CliRunner().invoke(app, ["export-onnx", *map(str, words)]).exit_code == 0
    words = [folder / "resized" / "face.png", "-m", tmp_path / "x.onnx", "-o", tmp_path / "out.png", "--size", 64]
    assert CliRunner().invoke(app, ["translate", *map(str, words)]).exit_code == 0
    (official,) = folder.glob("results/*/face.png")
    assert np.mean(pixels(tmp_path / "out.png") != pixels(official)) <= 0.01


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


# ---- random checkpoints


configs = st.builds(
    GeneratorConfig,
    st.sampled_from(["full", "light"]),
    channels=st.integers(1, 4),
    blocks=st.integers(1, 5),
    image_size=st.integers(4, 10).map(lambda quarter: quarter * 4),
    affine=st.just(True),
    unbiased=st.just(False),
    truncated=st.just(True),
)


@settings(max_examples=40)
@given(config=configs, older=st.booleans(), slots=st.booleans())
def test_random_variables_are_detected_as_what_they_are(
    config: GeneratorConfig, older: bool, slots: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("checkpoint")
    write(folder, random_variables(config, older=older, slots=slots))
    model = weights.load(folder)
    assert model.config == (config if config.variant == "full" else replace(config, image_size=256))
    assert list(model.generators) == ["a2b", "b2a"]
    Generator(model.config).load_state_dict(dict(model.generators["a2b"]))


@pytest.mark.parametrize("config", [LIGHT, FULL], ids=str)
@pytest.mark.parametrize("half", [False, True])
def test_what_is_converted_keeps_its_conventions(config: GeneratorConfig, half: bool, tmp_path: Path) -> None:
    write(tmp_path, random_variables(config))
    foreign = weights.load(tmp_path)
    weights.save(tmp_path / "x.safetensors", foreign.config, foreign.generators, metadata={}, half=half)
    ours = weights.load(tmp_path / "x.safetensors")
    assert ours.config == foreign.config
    for name, tensor in foreign.generators["b2a"].items():
        torch.testing.assert_close(
            ours.generators["b2a"][name], tensor, rtol=1e-3 if half else 0, atol=1e-6 if half else 0
        )


def test_the_large_matrix_is_the_same_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, random_variables(FULL))
    whole = weights.load(tmp_path).generators["a2b"]["mlp.0.weight"]
    monkeypatch.setattr(official_tensorflow, "PIECE_BYTES", 3 * 4 * 8 * 8)  # three pixels of sixteen
    assert torch.equal(weights.load(tmp_path).generators["a2b"]["mlp.0.weight"], whole)


@pytest.mark.parametrize(
    ("folder", "told", "smoothing", "notes"),
    [
        (f"{OFFICIAL}_smoothing", None, True, 0),
        (OFFICIAL, None, False, 0),
        ("downloads", None, True, 1),
        ("downloads", False, False, 0),
        (f"{OFFICIAL}_smoothing", False, False, 0),
        (OFFICIAL, True, True, 0),
    ],
)
def test_smoothing_goes_by_the_folder_unless_it_is_told(
    folder: str, told: bool | None, smoothing: bool, notes: int, tmp_path: Path
) -> None:
    variables = random_variables(LIGHT)
    model = weights.load(write(tmp_path / folder, variables), smoothing=told)
    stored = torch.from_numpy(variables["generator_B/adaptive_resblock0/res1/instance_layer_norm/rho"])
    expected = (stored - 0.1).clamp(0, 1) if smoothing else stored
    torch.testing.assert_close(model.generators["a2b"]["decoder_blocks.0.norm1.rho"], expected)
    untouched = torch.from_numpy(variables["generator_B/layer_ins_norm_0/rho"])
    assert torch.equal(model.generators["a2b"]["ups.0.norm.rho"], untouched)
    assert len(model.notes) == notes


def test_with_and_without_smoothing_are_two_models(tmp_path: Path) -> None:
    write(tmp_path, random_variables(LIGHT))
    digests = {weights.load(tmp_path, smoothing=smoothing).sha256 for smoothing in (None, True, False)}
    assert len(digests) == 2


# ---- which files are meant


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return write(tmp_path, random_variables(LIGHT))


@pytest.mark.parametrize("word", ["", NAME, f"{NAME}.index", f"{NAME}.data-00000-of-00001", f"{NAME}.meta"])
def test_every_part_means_the_checkpoint(word: str, checkpoint: Path) -> None:
    (checkpoint / f"{NAME}.meta").write_bytes(b"a graph")
    (checkpoint / "checkpoint").write_text(f'model_checkpoint_path: "{NAME}"')
    assert tensorflow_files.find_index(checkpoint / word) == index_path(checkpoint)
    assert weights.load(checkpoint / word).format == "official-tensorflow"


@pytest.mark.parametrize("word", ["", NAME, f"{NAME}.data-00000-of-00001"])
def test_the_command_line_takes_every_part_for_the_index(word: str, checkpoint: Path) -> None:
    assert hub.resolve(f"{checkpoint}/{word}").path == index_path(checkpoint)


def test_one_of_several_must_be_named(checkpoint: Path) -> None:
    shutil.copy(index_path(checkpoint), checkpoint / "UGATIT.model-2.index")
    with pytest.raises(UsageError, match="holds 2 TensorFlow checkpoints") as caught:
        weights.load(checkpoint)
    assert "UGATIT.model-2.index" in caught.value.hint


def test_other_folders_and_names_mean_no_checkpoint(tmp_path: Path) -> None:
    (tmp_path / "x.index").write_bytes(b"short")
    (tmp_path / "x.pt").write_bytes(bytes(99))
    assert [tensorflow_files.find_index(tmp_path / name) for name in (".", "x", "x.pt", "x.index")] == [None] * 4


# ---- what is wrong


def spoil(folder: Path, what: Callable[[dict[str, np.ndarray]], object]) -> Path:
    variables = random_variables(LIGHT)
    what(variables)
    return write(folder, variables)


def test_an_index_is_needed(checkpoint: Path) -> None:
    index_path(checkpoint).unlink()
    with pytest.raises(BadModelError, match=rf"without its index {NAME}\.index"):
        weights.load(checkpoint / f"{NAME}.data-00000-of-00001")


def test_data_is_needed(checkpoint: Path) -> None:
    (checkpoint / f"{NAME}.data-00000-of-00001").unlink()
    with pytest.raises(BadModelError, match=rf"{NAME}\.data-00000-of-00001 does not lie beside its index"):
        weights.load(checkpoint)


def test_data_that_was_cut_off_is_incomplete(checkpoint: Path) -> None:
    data = checkpoint / f"{NAME}.data-00000-of-00001"
    size = data.stat().st_size
    with data.open("r+b") as file:
        file.truncate(size - 1)
    with pytest.raises(BadModelError, match=f"has {size - 1:,} bytes, and {size:,} are needed"):
        weights.load(checkpoint)


def test_a_wrong_byte_is_found_in_the_generator_that_has_it(checkpoint: Path) -> None:
    index = read_index(index_path(checkpoint).read_bytes())
    place = index.tensors["generator_A/MLP/gamma/dense/kernel"].offset
    data = checkpoint / f"{NAME}.data-00000-of-00001"
    content = bytearray(data.read_bytes())
    content[place] ^= 1
    data.write_bytes(content)
    model = weights.load(checkpoint)
    assert model.generator("a2b")
    with pytest.raises(BadModelError, match=r"MLP/gamma/dense/kernel does not match its checksum") as caught:
        model.generator("b2a")
    assert str(checkpoint) in caught.value.message


def test_only_what_is_asked_for_is_read(checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[int] = []
    read = DataFiles.read

    def count(self: DataFiles, shard: int, offset: int, size: int) -> bytearray:
        found.append(size)
        return read(self, shard, offset, size)

    monkeypatch.setattr(DataFiles, "read", count)
    model = weights.load(checkpoint)
    assert not found
    one = sum(tensor.nbytes for tensor in model.generators["a2b"].values())
    assert sum(found) < 1.1 * one
    times = len(found)
    assert model.generator("a2b")
    assert len(found) == times


@pytest.mark.parametrize(
    ("what", "message"),
    [
        (lambda v: v.pop("generator_B/conv/conv2d/kernel"), "generator_B/conv/conv2d/kernel is missing"),
        (lambda v: v.pop("generator_B/up_conv_0/conv2d/bias"), "missing generator_B/up_conv_0/conv2d/bias"),
        (lambda v: v.update({"generator_B/more": np.ones(2, np.float32)}), "unexpected generator_B/more"),
        (lambda v: v.update({"generator_A/conv_1x1/conv2d/bias": np.ones(3, np.float32)}), "has the shape 3, and 8"),
        (lambda v: v.update({"generator_A/conv_1x1/conv2d/bias": np.ones(8, np.int32)}), "has the type int32"),
        (
            lambda v: v.update({"generator_B/MLP/linear_0/dense/kernel": np.ones((24, 8), np.float32)}),
            "no picture size",
        ),
    ],
)
def test_what_does_not_fit_is_named(
    what: Callable[[dict[str, np.ndarray]], object], message: str, tmp_path: Path
) -> None:
    with pytest.raises(BadModelError, match=message):
        weights.load(spoil(tmp_path, what))


def test_numbers_must_be_finite(tmp_path: Path) -> None:
    model = weights.load(spoil(tmp_path, lambda v: v["generator_B/CAM_logit/kernel"].fill(np.nan)))
    with pytest.raises(BadModelError, match="generator_B/CAM_logit.* is not finite"):
        model.generator("a2b")


def test_two_generators_of_different_shapes(tmp_path: Path) -> None:
    other = random_variables(replace(LIGHT, blocks=2))
    variables = {
        name: other[name] if name.startswith("generator_A") else array
        for name, array in random_variables(LIGHT).items()
    }
    variables |= {name: array for name, array in other.items() if name.startswith("generator_A")}
    with pytest.raises(BadModelError, match="two generators are of different shapes"):
        weights.load(write(tmp_path, variables))


def test_a_checkpoint_of_something_else_holds_no_generator(tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="holds no generator, only dense/kernel"):
        weights.load(write(tmp_path, {"dense/kernel": np.ones((2, 2), np.float32)}))


def test_one_generator_is_enough(tmp_path: Path) -> None:
    variables = {name: array for name, array in random_variables(LIGHT).items() if name.startswith("generator_A")}
    assert weights.load(write(tmp_path, variables)).generator()[0] == "b2a"
