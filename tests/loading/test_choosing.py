"""Which program runs a model, and why."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from graph.small_graphs import inverted, saved
from weights.tensorflow_checkpoints import random_variables, write

from ugatit_cli import weights
from ugatit_cli.backends.holding import HoldsStatistics
from ugatit_cli.backends.providers import cuda_problem
from ugatit_cli.cache import cache_folder
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError, DeviceError, OutputError, UsageError
from ugatit_cli.export.cached import find_graph
from ugatit_cli.export.exporting import ExportRequest, export, usual_form
from ugatit_cli.loading import LoadedModel, Wish, digest_of, load_model
from ugatit_cli.network import Generator

BUNDLED = Path(__file__).parents[2] / "models" / "portrait2toon" / "weights.safetensors"

pytestmark = pytest.mark.skipif(cuda_problem() is None, reason="a GPU would be chosen")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, config = tmp_path_factory.mktemp("models") / "tiny.safetensors", GeneratorConfig("light", 4, 1, 32)
    weights.save(path, config, {"a2b": Generator(config).state_dict()}, metadata={})
    return path


def loaded(model: Path, **wish: object) -> LoadedModel:
    return load_model(model, "", Wish(**wish))  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_what_is_asked_for_is_taken(backend: str, model: Path) -> None:
    found = loaded(model, backend=backend)
    assert (found.backend.name, found.backend.device, found.reason) == (backend, "cpu", "asked for")
    assert (found.direction, found.kind, found.backend.image_size) == ("a2b", "light", 32)


def test_all_that_is_installed_is_measured_once(model: Path) -> None:
    first = loaded(model, pictures=100)
    names = {"onnx": "ONNX Runtime", "openvino": "OpenVINO", "torch": "PyTorch"}
    others = {name for name in names if name != first.backend.name}
    assert "ms a picture here" in first.reason and all(names[name] in first.reason for name in others)
    second = loaded(model, pictures=100)
    assert (second.reason, second.backend.name) == (first.reason, first.backend.name)


@pytest.mark.parametrize("fastest", ["onnx", "openvino", "torch"])
def test_the_fastest_is_taken(fastest: str, model: Path) -> None:
    loaded(model, pictures=100)
    graph = find_graph(digest_of(model), None, "many")
    assert graph is not None
    graph.with_times({name: 1.0 if name.startswith(fastest) else 2.0 for name in graph.milliseconds})
    assert loaded(model, pictures=100).backend.name == fastest


def test_few_pictures_are_not_worth_a_measurement(model: Path) -> None:
    found = loaded(model, pictures=1)
    assert (found.backend.name, found.reason) == ("onnx", "it starts without torch")


@pytest.fixture
def unwritable_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Below a file, where nobody can make a folder."""
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("UGATIT_CACHE", str(tmp_path / "file" / "cache"))
    return cache_folder()


@pytest.mark.parametrize("pictures", [1, 100])
def test_a_cache_that_cannot_be_written_costs_a_note(pictures: int, model: Path, unwritable_cache: Path) -> None:
    found = loaded(model, pictures=pictures)
    assert found.backend.name == "torch"
    [note] = found.notes
    assert note.startswith(f"cannot write {unwritable_cache}") and "set UGATIT_CACHE to a folder" in note


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_program_that_is_asked_for_needs_a_graph_and_so_a_cache(
    backend: str, model: Path, unwritable_cache: Path
) -> None:
    with pytest.raises(OutputError, match="cannot write") as caught:
        loaded(model, backend=backend)
    assert caught.value.hint == "set UGATIT_CACHE to a folder that can be written"


@pytest.mark.parametrize("backend", ["auto", "onnx"])
def test_a_gpu_that_is_asked_for_is_not_replaced(backend: str, model: Path) -> None:
    with pytest.raises(DeviceError, match="cannot run on cuda: no NVIDIA driver|cannot run on cuda: the NVIDIA"):
        loaded(model, backend=backend, device="cuda")


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_a_mac_s_gpu_is_pytorch_s_alone(backend: str, model: Path) -> None:
    with pytest.raises(UsageError, match=f"--backend {backend} does not run on mps"):
        loaded(model, backend=backend, device="mps")


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_statistics_are_held_by_whatever_runs_the_weights(backend: str, model: Path) -> None:
    """Graphs for it are made when a film first wants them."""
    running = loaded(model, backend=backend).backend
    assert isinstance(running, HoldsStatistics) and not list(cache_folder().rglob("*.held.onnx"))
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    held = running.translate_held(picture, running.measure(picture).statistics)
    assert np.abs(held.pictures.astype(int) - running(picture)).max() <= 1


@pytest.fixture
def broken_openvino(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is found, and that does not load."""
    (tmp_path / "openvino").mkdir()
    (tmp_path / "openvino" / "__init__.py").write_text("raise ImportError('libopenvino.so: cannot open it')")
    for name in [name for name in sys.modules if name.partition(".")[0] == "openvino"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)


def test_a_broken_openvino_that_nobody_asked_for_costs_a_note(
    model: Path, broken_openvino: None, tmp_path: Path
) -> None:
    graph = saved(inverted(), tmp_path / "a.onnx")
    for path in (model, graph):
        for _ in range(2):
            found = loaded(path, pictures=100)
            assert found.backend.name in ("onnx", "torch")
            assert found.notes[-1] == "OpenVINO is not used: OpenVINO does not load: libopenvino.so: cannot open it"
        with pytest.raises(DeviceError, match="OpenVINO does not load"):
            loaded(path, backend="openvino")


def test_an_openvino_that_breaks_after_it_was_measured_costs_a_note(
    model: Path, request: pytest.FixtureRequest
) -> None:
    loaded(model, pictures=100)
    graph = find_graph(digest_of(model), None, "many")
    assert graph is not None
    graph.with_times({name: 1.0 if name.startswith("openvino") else 2.0 for name in graph.milliseconds})
    request.getfixturevalue("broken_openvino")
    assert "OpenVINO does not load" in loaded(model, pictures=100).notes[-1]


@pytest.mark.parametrize("path", ["model", "graph"])
def test_what_openvino_cannot_run_goes_to_another_program(
    path: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*words: object) -> None:
        raise RuntimeError("Exception from src/core.cpp:1:\nno such operation\n\n")

    monkeypatch.setattr("openvino.Core.compile_model", refuse)
    chosen = model if path == "model" else saved(inverted(), tmp_path / "a.onnx")
    found = loaded(chosen, pictures=100)
    assert found.backend.name in ("onnx", "torch") and "OpenVINO says no such operation" in found.notes[-1]
    with pytest.raises(BadModelError, match="OpenVINO says no such operation"):
        loaded(chosen, backend="openvino")


def test_a_model_that_is_wrong_is_not_openvinos_fault(tmp_path: Path) -> None:
    path, config = tmp_path / "grey.safetensors", GeneratorConfig("light", 4, 1, 32)
    state = Generator(config).state_dict()
    last = [name for name, tensor in state.items() if tensor.ndim == 4][-1]
    weights.save(path, config, {"a2b": {**state, last: 0 * state[last]}}, metadata={})
    with pytest.raises(BadModelError, match="one colour"):
        loaded(path, pictures=100)


def test_a_checkpoint_that_was_cut_off_and_is_repaired_is_read_anew(tmp_path: Path) -> None:
    config = GeneratorConfig("light", 2, 1, 32, affine=True, unbiased=False, truncated=True)
    folder = write(tmp_path / "UGATIT_light_x_1resblock_6dis_1_smoothing", random_variables(config))
    (data,) = folder.glob("*.data-*")
    whole = data.read_bytes()
    data.write_bytes(whole[: len(whole) * 3 // 4])
    half = loaded(folder, pictures=1)
    assert (half.direction, len(half.notes)) == ("b2a", 1)
    data.write_bytes(whole)
    found = loaded(folder, pictures=1)
    assert (found.direction, found.notes) == ("a2b", ())
    moved = folder.parent / "x" / folder.name
    shutil.copytree(folder, moved)
    assert digest_of(moved) == found.sha256 != half.sha256


def test_a_graph_that_does_not_say_its_way_is_not_turned_around(tmp_path: Path) -> None:
    graph = saved(inverted(), tmp_path / "a.onnx")
    assert loaded(graph, direction="a2b").direction is None
    with pytest.raises(UsageError, match="--direction b2a cannot turn it around") as caught:
        loaded(graph, direction="b2a")
    assert caught.value.name == "options-contradict"


def test_mps_is_pytorchs(model: Path) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("there is one")
    with pytest.raises(DeviceError, match="cannot run on mps"):
        loaded(model, device="mps")


@pytest.mark.parametrize("wish", [{"bgr": True}, {"value_range": "0..1"}])
def test_weights_know_what_they_expect(wish: dict[str, object], model: Path) -> None:
    with pytest.raises(UsageError):
        loaded(model, **wish)


@pytest.fixture
def driver_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine whose NVIDIA driver works, and which has no CUDA libraries for ONNX Runtime, nor a PyTorch with any."""
    for module in ("loading.graphs", "loading.weights", "backends.onnx", "backends.providers"):
        monkeypatch.setattr(f"ugatit_cli.{module}.cuda_problem", lambda: None)


@pytest.mark.parametrize("backend", ["auto", "onnx"])
def test_a_gpu_that_nobody_asked_for_and_that_cannot_be_used_costs_a_note(
    backend: str, model: Path, driver_alone: None, capfd: pytest.CaptureFixture[str]
) -> None:
    found = loaded(model, backend=backend, pictures=1)
    assert found.backend.device == "cpu" and "the GPU is not used: cannot run on cuda" in found.notes[-1]
    graph = find_graph(digest_of(model), None, "few")
    assert graph is not None
    found = loaded(graph.path, backend=backend)
    assert found.backend.device == "cpu" and "the GPU is not used: cannot run on cuda" in found.notes[-1]
    assert capfd.readouterr().out == "", "what ONNX Runtime prints is no result"
    for path in (model, graph.path):
        with pytest.raises(DeviceError):
            loaded(path, backend="onnx", device="cuda")


def direct_int8(folder: Path) -> Path:
    """The bundled model with whole numbers in all convolutions but the first and the last."""
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    form = replace(usual_form("int8"), convolutions="direct")
    export(ExportRequest(weights.load(BUNDLED), "a2b", form, "int8", [picture], 0.0), made := folder / "int8.onnx")
    return made


def test_a_graph_of_whole_numbers_that_openvino_draws_otherwise_goes_to_onnx_runtime(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those are that we exported before we knew it."""
    assert loaded(direct_int8(tmp_path)).backend.name == "openvino"
    monkeypatch.setattr("ugatit_cli.export.int8._keep_scales_before_normalisations", lambda *words: None)
    found = loaded(direct_int8(tmp_path))
    assert found.backend.name == "onnx"
    assert found.notes[-1].startswith("OpenVINO is not used: it draws another picture of this graph of whole numbers")
    assert loaded(tmp_path / "int8.onnx", backend="openvino").backend.name == "openvino"
