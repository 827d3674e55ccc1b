"""Graphs in the cache: found again, or made again where anything is wrong with them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from ugatit_cli import weights
from ugatit_cli.config import Direction, GeneratorConfig
from ugatit_cli.export.cached import find_graph, make_graph
from ugatit_cli.network import Generator
from ugatit_cli.weights import ModelWeights


def model(folder: Path, *directions: Direction) -> ModelWeights:
    config = GeneratorConfig("light", 4, 1, 32)
    path = folder / "model.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(len(directions))
        weights.save(path, config, {each: Generator(config).state_dict() for each in directions}, metadata={})
    return weights.load(path)


def test_what_was_made_is_found_with_its_times(tmp_path: Path) -> None:
    loaded = model(tmp_path, "a2b", "b2a")
    assert find_graph(loaded.sha256, None, "many") is None
    made = make_graph(loaded, "a2b", "many").with_times({"onnx/2": 3.5})
    assert find_graph(loaded.sha256, None, "many") == made == find_graph(loaded.sha256, "a2b", "many")
    assert (made.milliseconds, made.facts.direction, made.facts.image_size) == ({"onnx/2": 3.5}, "a2b", 32)
    assert find_graph(loaded.sha256, None, "gpu") is find_graph("0" * 64, None, "many") is None


def test_the_other_direction_is_no_default(tmp_path: Path) -> None:
    both = model(tmp_path, "a2b", "b2a")
    make_graph(both, "b2a", "many")
    assert find_graph(both.sha256, None, "many") is None
    assert find_graph(both.sha256, "b2a", "many") is not None
    one = model(tmp_path, "b2a")
    assert make_graph(one, "b2a", "many") == find_graph(one.sha256, None, "many")


def test_the_same_network_held_is_a_graph_of_its_own(tmp_path: Path) -> None:
    loaded = model(tmp_path, "a2b")
    plain, held = make_graph(loaded, "a2b", "many"), make_graph(loaded, "a2b", "many", "held")
    assert (plain.facts.held, held.facts.held) == (None, "held")
    assert find_graph(loaded.sha256, None, "many") == plain
    assert find_graph(loaded.sha256, None, "many", "held") == held
    assert find_graph(loaded.sha256, None, "many", "measured") is None


def test_times_and_trials_that_cannot_be_recorded_are_known_all_the_same(tmp_path: Path) -> None:
    made = make_graph(model(tmp_path, "a2b"), "a2b", "many")
    shutil.rmtree(made.path.parent)
    made.path.parent.write_bytes(b"a file in the folder's place")
    assert made.with_times({"onnx/2": 3.5}).milliseconds == {"onnx/2": 3.5}
    assert made.with_trial("onnx/cpu").tried == ("onnx/cpu",)


def test_what_killed_runs_left_beside_graphs_is_swept_once_it_is_nobody_s(tmp_path: Path) -> None:
    folder = make_graph(model(tmp_path, "a2b"), "a2b", "many").path.parent
    old, young = folder / ".0123456789ab.ugatit-part", folder / ".ba9876543210.ugatit-part"
    for part in (old, young):
        part.write_bytes(b"half")
    os.utime(old, (0, 0))
    make_graph(model(tmp_path, "b2a"), "b2a", "few")  # other weights
    assert young.exists() and not old.exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "record", "record of another version", "gone"])
def test_a_damaged_graph_is_none(damage: str, tmp_path: Path) -> None:
    loaded = model(tmp_path, "a2b")
    path = make_graph(loaded, "a2b", "many").path
    record = path.with_suffix(".json")
    if damage == "gone":
        path.unlink()
    elif damage == "record":
        record.write_text("{")
    elif damage == "record of another version":
        record.write_text(record.read_text().replace('"notes"', '"remarks"'))
    else:
        path.write_bytes(path.read_bytes()[:-1] if damage == "cut" else b"")
    assert find_graph(loaded.sha256, None, "many") is None
    make_graph(loaded, "a2b", "many")
    assert find_graph(loaded.sha256, None, "many") is not None
