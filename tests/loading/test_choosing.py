"""Which program runs a model, and why."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from ugatit_cli import weights
from ugatit_cli.backends.holding import HoldsStatistics
from ugatit_cli.backends.providers import cuda_problem
from ugatit_cli.cache import cache_folder
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import DeviceError, UsageError
from ugatit_cli.loading import LoadedModel, Wish, load_model
from ugatit_cli.loading import graphs as graph_loading
from ugatit_cli.network import Generator

pytestmark = pytest.mark.skipif(cuda_problem() is None, reason="a GPU would be chosen")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path, config = tmp_path_factory.mktemp("models") / "tiny.safetensors", GeneratorConfig("light", 4, 1, 32)
    weights.save(path, config, {"a2b": Generator(config).state_dict()}, metadata={})
    return path


@pytest.fixture
def no_openvino(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph_loading, "find_spec", lambda name: None if name == "openvino" else find_spec(name))


def loaded(model: Path, **wish: object) -> LoadedModel:
    return load_model(model, "", Wish(**wish))  # type: ignore[arg-type]


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_what_is_asked_for_is_taken(backend: str, model: Path) -> None:
    found = loaded(model, backend=backend)
    assert (found.backend.name, found.backend.device, found.reason) == (backend, "cpu", "asked for")
    assert (found.direction, found.kind, found.backend.image_size) == ("a2b", "light", 32)


def test_openvino_is_taken_where_it_is_installed(model: Path) -> None:
    assert loaded(model).backend.name == "openvino"


def test_else_the_faster_one_which_is_measured_once(no_openvino: None, model: Path) -> None:
    first = loaded(model, pictures=100)
    assert first.backend.name in ("onnx", "torch") and "ms a picture here" in first.reason
    second = loaded(model, pictures=100)
    assert (second.reason, second.backend.name) == (first.reason, first.backend.name)


def test_few_pictures_are_not_worth_a_measurement(no_openvino: None, model: Path) -> None:
    assert loaded(model, pictures=1).backend.name == "onnx"


@pytest.mark.parametrize("backend", ["auto", "onnx"])
def test_a_gpu_that_is_asked_for_is_not_replaced(backend: str, model: Path) -> None:
    with pytest.raises(DeviceError, match="cannot run on cuda: no NVIDIA driver|cannot run on cuda: the NVIDIA"):
        loaded(model, backend=backend, device="cuda")


@pytest.mark.parametrize("backend", ["torch", "onnx", "openvino"])
def test_statistics_are_held_by_whatever_runs_the_weights(backend: str, model: Path) -> None:
    """Graphs for it are made when a film first wants them."""
    running = loaded(model, backend=backend).backend
    assert isinstance(running, HoldsStatistics) and not list(cache_folder().rglob("*.held.onnx"))
    picture = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    held = running.translate_held(picture, running.measure(picture).statistics)
    assert np.abs(held.pictures.astype(int) - running(picture)).max() <= 1


def test_mps_is_pytorchs(model: Path) -> None:
    if torch.backends.mps.is_available():
        pytest.skip("there is one")
    with pytest.raises(DeviceError, match="cannot run on mps"):
        loaded(model, device="mps")


@pytest.mark.parametrize("wish", [{"bgr": True}, {"value_range": "0..1"}])
def test_weights_know_what_they_expect(wish: dict[str, object], model: Path) -> None:
    with pytest.raises(UsageError):
        loaded(model, **wish)
