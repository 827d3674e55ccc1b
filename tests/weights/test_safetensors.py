from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save as serialise
from safetensors.torch import save_file
from torch import Tensor
from weights.official_files import CONFIGS, TINY

from ugatit_cli import __version__, weights
from ugatit_cli.config import Direction, GeneratorConfig
from ugatit_cli.errors import BadModelError, ResourceError, UsageError
from ugatit_cli.network import Generator
from ugatit_cli.weights import stored, tensor_chunks
from ugatit_cli.weights.tensor_chunks import tensor_file_chunks


def random_state(config: GeneratorConfig, seed: int = 0) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=random) for name, shape in weights.generator_shapes(config).items()}


def both(config: GeneratorConfig) -> dict[Direction, dict[str, Tensor]]:
    return {direction: random_state(config, seed) for seed, direction in enumerate(get_args(Direction))}


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    weights.save(path, TINY, both(TINY), metadata={"source": "a test", "license": "CC0-1.0"})
    return path


def rewrite(path: Path, *, description: object = None, **tensors: Tensor) -> None:
    """The same file with another description or other tensors, written by the safetensors library."""
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        content = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if description is not None:
        metadata["ugatit"] = description if isinstance(description, str) else json.dumps(description)
    save_file(content | tensors, path, metadata)


def description_of(path: Path) -> dict[str, Any]:
    with safe_open(path, "pt") as file:
        result: dict[str, Any] = json.loads(file.metadata()["ugatit"])
        return result


@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_what_is_saved_comes_back(config: GeneratorConfig, tmp_path: Path) -> None:
    path, generators = tmp_path / "m.safetensors", both(config)
    weights.save(path, config, generators, metadata={"source": "a test"})
    model = weights.load(path)
    assert (model.config, model.format, model.notes) == (config, "safetensors", ())
    assert dict(model.metadata) == {"source": "a test"}
    for direction, state in generators.items():
        assert list(model.generators[direction]) == list(state)
        assert all(torch.equal(model.generators[direction][name], tensor) for name, tensor in state.items())


def test_half_precision_halves_the_file_and_comes_back_as_float32(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    weights.save(path, TINY, {"b2a": random_state(TINY)}, metadata={}, half=True)
    _, state = weights.load(path).generator("b2a")
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}
    assert all(torch.equal(tensor, random_state(TINY)[name].half().float()) for name, tensor in state.items())
    with safe_open(path, "pt") as file:
        assert {file.get_slice(name).get_dtype() for name in file.keys()} == {"F16"}  # noqa: SIM118


def test_large_tensors_are_written_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_chunks, "_PIECE", 7)
    state = {name: tensor.transpose(0, -1) for name, tensor in random_state(TINY).items()}  # not contiguous
    chunks = [bytes(chunk) for chunk in tensor_file_chunks(state, dtype=torch.float16)]
    assert max(map(len, chunks[1:])) == 14
    expected = {name: tensor.half().contiguous() for name, tensor in state.items()}
    assert b"".join(chunks) == serialise(expected)


def test_the_metadata_says_what_the_file_is(saved: Path) -> None:
    with safe_open(saved, "pt") as file:
        assert file.metadata()["license"] == "CC0-1.0"
    assert description_of(saved) == {
        "format_version": 1,
        "config": TINY.to_dict(),
        "directions": ["a2b", "b2a"],
        "created_by": f"ugatit-cli {__version__}",
    }


def test_the_sha256_is_the_files(saved: Path) -> None:
    assert weights.load(saved).sha256 == hashlib.sha256(saved.read_bytes()).hexdigest()


def test_a_generator_is_chosen_by_direction(saved: Path, tmp_path: Path) -> None:
    model = weights.load(saved)
    assert model.generator(None)[0] == "a2b"
    assert model.generator("b2a")[1] is model.generators["b2a"]
    only = tmp_path / "only.safetensors"
    weights.save(only, TINY, {"b2a": random_state(TINY)}, metadata={})
    assert weights.load(only).generator(None)[0] == "b2a"
    with pytest.raises(UsageError, match="no generator for the direction a2b"):
        weights.load(only).generator("a2b")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format_version": 2}, "format version 2"),
        ({"format_version": None}, "format version None"),
        ({"config": {"variant": "heavy"}}, "variant"),
        ({"config": {"channels": 10**9}}, "channels must be a whole number from 1 to 1024"),
        ({"config": {"channels": True}}, "channels must be"),
        ({"config": {"image_size": 30}}, "multiple of 4"),
        ({"config": {"colour": 1}}, "does not know: colour"),
        ({"config": [1]}, "has no configuration"),
        ({"config": {"channels": 2, "blocks": 1}}, r"generator_a2b\.stem\.weight has the shape 1x3x7x7, and 2x3x7x7"),
        ({"config": {"channels": 1, "blocks": 2}}, r"missing generator_a2b\.encoder_blocks\.1\.conv1\.weight"),
    ],
)
def test_a_wrong_description_is_not_believed(saved: Path, change: dict[str, object], message: str) -> None:
    rewrite(saved, description=description_of(saved) | change)
    with pytest.raises(BadModelError, match=message) as caught:
        weights.load(saved)
    assert str(saved) in caught.value.message


@pytest.mark.parametrize("text", ["{", "[]", "[" * 100_000, '"text"'])
def test_a_description_that_is_no_object_is_refused(saved: Path, text: str) -> None:
    rewrite(saved, description=text)
    with pytest.raises(BadModelError, match="the description in its metadata"):
        weights.load(saved)


@pytest.mark.parametrize(
    ("tensor", "message"),
    [
        (torch.zeros(4, 4, dtype=torch.int8), "type int8, and weights are floats"),
        (torch.zeros(4, 5), "has the shape 4x5, and 4x4 is needed"),
        (torch.full((4, 4), torch.nan), "not finite"),
        (torch.full((4, 4), 1e300, dtype=torch.float64), "not finite"),
    ],
)
def test_a_wrong_tensor_is_named(saved: Path, tensor: Tensor, message: str) -> None:
    rewrite(saved, **{"generator_b2a.gamma.weight": tensor})
    with pytest.raises(BadModelError, match=rf"cannot use the model .*generator_b2a\.gamma\.weight.*{message}"):
        weights.load(saved).generator("b2a")


def test_a_generator_that_nobody_asks_for_is_not_read(saved: Path) -> None:
    rewrite(saved, **{"generator_b2a.gamma.weight": torch.full((4, 4), torch.nan)})
    assert list(weights.load(saved).generators) == ["a2b", "b2a"]
    weights.load(saved).generator("a2b")


def test_what_is_changed_in_memory_stays_out_of_the_file(saved: Path) -> None:
    before = saved.read_bytes()
    for tensor in weights.load(saved).generator("a2b")[1].values():
        tensor.zero_()
    assert saved.read_bytes() == before


def test_half_a_large_matrix_stays_half_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "LARGE", 1000)
    config, path = GeneratorConfig("full", 4, 1, 32), tmp_path / "full.safetensors"
    state = Generator(config).state_dict()
    weights.save(path, config, {"a2b": state}, metadata={}, half=True)
    _, tensors = weights.load(path).generator()
    assert {name for name, tensor in tensors.items() if tensor.dtype is torch.float16} >= {"mlp.0.weight"}
    assert all(torch.equal(tensors[name].float(), tensor.half().float()) for name, tensor in state.items())


def test_an_extra_tensor_is_refused(saved: Path) -> None:
    rewrite(saved, **{"generator_a2b.surprise": torch.zeros(2)})
    with pytest.raises(BadModelError, match=r"unexpected generator_a2b\.surprise"):
        weights.load(saved)


def test_a_file_without_generators_is_refused(saved: Path) -> None:
    save_file({"x": torch.zeros(1)}, saved, {"ugatit": json.dumps(description_of(saved))})
    with pytest.raises(BadModelError, match="no generator"):
        weights.load(saved)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e6])
def test_what_would_not_load_is_not_saved(saved: Path, value: float) -> None:
    before = saved.read_bytes()
    state = random_state(TINY)
    state["beta.weight"][1, 2] = value  # 1e6 is too large for float16
    with pytest.raises(BadModelError, match=r"generator_a2b\.beta\.weight is not finite") as caught:
        weights.save(saved, TINY, {"a2b": state}, metadata={}, half=True)
    assert str(saved) in caught.value.message
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]


def test_a_full_disk_leaves_the_old_file_whole(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResourceError):
        weights.save(saved, TINY, {"a2b": random_state(TINY)}, metadata={})
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]
