"""Graphs that give out what their normalisations came to, and graphs that are told it."""

from __future__ import annotations

from typing import get_args

import numpy as np
import onnx
import pytest
from graph.graphs import arrays, noise, plain_generator, session

from ugatit_cli.config import GeneratorConfig
from ugatit_cli.graph.facts import StatisticsUse
from ugatit_cli.graph.generator import Form, GraphForm, write_generator

LEVEL = 2 / 255  # of a picture between -1 and 1
CONFIGS = [GeneratorConfig("light", 4, 2, 32), GeneratorConfig("full", 4, 1, 32)]
CASES = [(config, form) for config in CONFIGS for form in get_args(Form)]
NAMES = [f"{config.variant}, {form}" for config, form in CASES]


def graph(config: GeneratorConfig, form: Form, statistics: StatisticsUse) -> onnx.ModelProto:
    wanted = GraphForm(form, heatmap=True, statistics=statistics)
    return write_generator(config, arrays(plain_generator(config)), wanted)


@pytest.mark.parametrize(("config", "form"), CASES, ids=NAMES)
def test_held_to_its_own_statistics_a_picture_is_translated_as_ever(config: GeneratorConfig, form: Form) -> None:
    pictures = noise(3, 3, 32, 32)
    plain, heatmap = session(graph(config, form, "own")).run(None, {"image": pictures})
    same, _, measured = session(graph(config, form, "measured")).run(None, {"image": pictures})
    again, attention = session(graph(config, form, "held")).run(None, {"image": pictures, "held": measured})
    assert np.abs(same - plain).max() < LEVEL / 100 > np.abs(again - plain).max()
    np.testing.assert_allclose(attention, heatmap, atol=1e-4 * np.abs(heatmap).max())


@pytest.mark.parametrize(("config", "form"), CASES, ids=NAMES)
def test_every_normalisation_has_its_scales_and_shifts(config: GeneratorConfig, form: Form) -> None:
    first = session(graph(config, form, "measured")).run(["measured"], {"image": noise(1, 3, 32, 32)})[0]
    assert first.shape == (1, 2 * sum(config.normalised_widths))
    widths = (4, 8, *[16] * (1 + 4 * config.blocks), 8, 4)
    assert config.normalised_widths == widths


@pytest.mark.parametrize(("config", "form"), CASES, ids=NAMES)
def test_a_held_graph_reduces_nothing_and_has_no_style(config: GeneratorConfig, form: Form) -> None:
    held = graph(config, form, "held")
    onnx.checker.check_model(held, full_check=True)
    kinds = [node.op_type for node in held.graph.node if "Reduce" in node.op_type or node.op_type == "Gemm"]
    assert kinds == ["ReduceSum"]  # the heat-map's
    assert not [tensor.name for tensor in held.graph.initializer if "mlp" in tensor.name]


@pytest.mark.parametrize("form", get_args(Form))
def test_what_a_picture_is_held_to_counts_not_the_others(form: Form) -> None:
    """Each picture of a batch has a row of its own."""
    config = CONFIGS[0]
    pictures = noise(2, 3, 32, 40)
    measured = session(graph(config, form, "measured")).run(["measured"], {"image": pictures})[0]
    held = session(graph(config, form, "held"))
    swapped = held.run(["translated"], {"image": pictures, "held": measured[::-1].copy()})[0]
    alone = held.run(["translated"], {"image": pictures[:1], "held": measured[1:]})[0]
    assert np.abs(swapped[:1] - alone).max() < LEVEL / 100
