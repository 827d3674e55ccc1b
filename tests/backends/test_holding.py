"""Statistics measured on one picture and held for another, by every program that runs generators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from graph.graphs import arrays, plain_generator
from graph.small_graphs import inverted, saved

from ugatit_cli.backends import load_backend
from ugatit_cli.backends.graph_runs import GraphBackend
from ugatit_cli.backends.holding import GraphFamily, HoldsStatistics
from ugatit_cli.backends.onnx import OnnxBackend
from ugatit_cli.backends.openvino import OpenvinoBackend
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.graph.facts import StatisticsUse
from ugatit_cli.graph.generator import Form, GraphForm, facts_of, write_generator
from ugatit_cli.graph.screening import screen

CONFIGS = [GeneratorConfig("light", 4, 1, 32), GeneratorConfig("full", 4, 1, 32)]
PICTURES = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
GRAPHS: dict[str, type[OnnxBackend | OpenvinoBackend]] = {"onnx": OnnxBackend, "openvino": OpenvinoBackend}
WAYS = ["torch", "onnx tiled", "onnx direct", "openvino tiled", "openvino direct"]


def family(kind: type[OnnxBackend | OpenvinoBackend], config: GeneratorConfig, form: Form, folder: Path) -> GraphFamily:
    def opened(statistics: StatisticsUse) -> GraphBackend:
        wanted = GraphForm(form, heatmap=True, statistics=statistics)
        graph = write_generator(config, arrays(plain_generator(config)), wanted)
        return kind(saved(graph, folder / f"{statistics}.onnx"), facts_of(config, wanted), "cpu")

    return GraphFamily(opened("own"), opened)


def holding(way: str, config: GeneratorConfig, folder: Path) -> HoldsStatistics:
    if way == "torch":
        tensors = {name: tensor.clone() for name, tensor in plain_generator(config).state_dict().items()}
        backend = load_backend(config, tensors, "cpu")
        assert isinstance(backend, HoldsStatistics)
        return backend
    name, form = way.split()
    return family(GRAPHS[name], config, "tiled" if form == "tiled" else "direct", folder)


@pytest.mark.parametrize("config", CONFIGS, ids=["light", "full"])
@pytest.mark.parametrize("way", WAYS)
def test_a_picture_held_to_its_own_statistics_stays_what_it_was(
    way: str, config: GeneratorConfig, tmp_path: Path
) -> None:
    backend = holding(way, config, tmp_path)
    measured = backend.measure(PICTURES, heatmap=True)
    held = backend.translate_held(PICTURES, measured.statistics, heatmap=True)
    plain, heatmaps = backend.translate_with_heatmap(PICTURES)  # type: ignore[attr-defined]
    for found in (measured, held):
        assert np.abs(found.pictures.astype(int) - plain).max() <= 1
        assert found.heatmaps is not None
        np.testing.assert_allclose(found.heatmaps, heatmaps, atol=1e-3 * np.abs(heatmaps).max())
    assert held.statistics is measured.statistics or (held.statistics == measured.statistics).all()


@pytest.mark.parametrize("config", CONFIGS, ids=["light", "full"])
@pytest.mark.parametrize("way", WAYS[1:])
def test_all_programs_measure_and_hold_alike(way: str, config: GeneratorConfig, tmp_path: Path) -> None:
    ours, theirs = holding(way, config, tmp_path), holding("torch", config, tmp_path)
    ours_measured, theirs_measured = ours.measure(PICTURES), theirs.measure(PICTURES)
    assert ours_measured.heatmaps is None
    np.testing.assert_allclose(ours_measured.statistics, theirs_measured.statistics, rtol=1e-3, atol=1e-3)
    others = theirs_measured.statistics[::-1].copy()  # each picture is held to another one's
    pair = [backend.translate_held(PICTURES, others).pictures.astype(int) for backend in (ours, theirs)]
    assert np.abs(pair[0] - pair[1]).max() <= 1
    assert np.abs(pair[0] - ours_measured.pictures).max() > 1


def test_a_generator_in_pytorch_forgets_what_it_was_told() -> None:
    tensors = {name: tensor.clone() for name, tensor in plain_generator(CONFIGS[0]).state_dict().items()}
    backend = load_backend(CONFIGS[0], tensors, "cpu")
    assert isinstance(backend, HoldsStatistics)
    before = backend(PICTURES)
    backend.translate_held(PICTURES, backend.measure(PICTURES).statistics[::-1].copy())
    assert (backend(PICTURES) == before).all()


def test_a_strangers_graph_holds_nothing(tmp_path: Path) -> None:
    path = saved(inverted(), tmp_path / "a.onnx")
    assert not isinstance(OnnxBackend(path, screen(path).facts, "cpu"), HoldsStatistics)


@pytest.mark.gpu
@pytest.mark.parametrize("config", CONFIGS, ids=["light", "full"])
def test_a_gpu_holds_as_the_cpu_does(config: GeneratorConfig) -> None:
    tensors = {name: tensor.clone() for name, tensor in plain_generator(config).state_dict().items()}
    found = []
    for device in ("cpu", "cuda"):
        backend = load_backend(config, dict(tensors), device)
        assert isinstance(backend, HoldsStatistics)
        statistics = backend.measure(PICTURES).statistics
        found.append(backend.translate_held(PICTURES, statistics[::-1].copy()).pictures.astype(int))
    assert np.abs(found[0] - found[1]).max() <= 1
