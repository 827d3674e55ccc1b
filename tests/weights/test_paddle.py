"""PaddleGAN's weights: the golden ones, random ones, and what is refused."""

from __future__ import annotations

import pickle
import random
from pathlib import Path
from typing import Any

import golden_foreign
import golden_pytorch
import numpy as np
import pytest
import torch
from weights.official_files import CONFIGS, TINY, generator_state
from weights.test_hostile import mutate

from ugatit_cli import weights
from ugatit_cli.config import GeneratorConfig
from ugatit_cli.errors import BadModelError, RefusedError
from ugatit_cli.network import Generator

Arrays = dict[str, Any]


def paddle_state(config: GeneratorConfig, seed: int = 0) -> Arrays:
    """As its `state_dict()` has it: linear weights the other way round, and normalisations that are never trained."""
    state = {name: tensor.numpy() for name, tensor in generator_state(config, seed).items()}
    arrays: Arrays = {name: np.ascontiguousarray(a.T) if a.ndim == 2 else a for name, a in state.items()}
    for layer in ("DownBlock.2", "DownBlock.12.conv_block.6"):
        arrays |= {f"{layer}.scale": np.ones(4, np.float32), f"{layer}.bias": np.zeros(4, np.float32)}
    return arrays | {"StructuredToParameterName@@": {name: f"w_{number}" for number, name in enumerate(state)}}


def write(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("name", golden_foreign.PADDLE_FILES)
def test_golden_numbers(name: str, shared: Path) -> None:
    model = weights.load(shared / "golden" / "paddle" / name)
    assert (model.config, model.format) == (golden_foreign.PADDLE, "paddle")
    case, network = golden_foreign.paddle(shared), Generator(model.config).eval()
    network.load_state_dict(dict(model.generators["a2b"]))
    with torch.inference_mode():
        image, cam_logits, _ = network(case.input)
    golden_pytorch.assert_within(image, case.image_or_score, 1e-4)
    golden_pytorch.assert_within(cam_logits, case.cam_logits, 1e-4)


@pytest.mark.parametrize("protocol", [2, 3, 4])  # PaddleGAN writes the first, paddle.save the last
@pytest.mark.parametrize("config", CONFIGS, ids=str)
def test_random_weights_are_those_of_the_pytorch_code(config: GeneratorConfig, protocol: int, tmp_path: Path) -> None:
    content = {"genA2B": paddle_state(config, 1), "genB2A": paddle_state(config, 2), "epoch": 3}
    found = weights.load(write(tmp_path / "x", content, protocol))
    torch.save({"genA2B": generator_state(config, 1), "genB2A": generator_state(config, 2)}, tmp_path / "x.pt")
    expected = weights.load(tmp_path / "x.pt")
    assert (found.config, found.format) == (expected.config, "paddle")
    for direction, state in expected.generators.items():
        assert all(torch.equal(found.generators[direction][name], tensor) for name, tensor in state.items())


@pytest.mark.parametrize("count", [0, 3])
def test_text_that_is_no_bytes_is_damage_and_too_little_of_it_too(count: int, tmp_path: Path) -> None:
    path = write(tmp_path / "x", {"genA2B": paddle_state(TINY) | {"FC.2.weight": np.zeros(count, np.float32)}}, 2)
    with pytest.raises(BadModelError, match="FC.2.weight has the shape"):
        weights.load(path)
    number = "\x00" * 4
    content = path.read_bytes()
    if count:
        path.write_bytes(content.replace((number * 3).encode(), b"\xc4\x80" + b"\x00" * 10))
        with pytest.raises(BadModelError, match="damaged"):
            weights.load(path)


def test_text_is_encoded_as_latin_1_only(tmp_path: Path) -> None:
    good = write(tmp_path / "x", {"genA2B": paddle_state(TINY)}, 2).read_bytes()
    (tmp_path / "x").write_bytes(good.replace(b"latin1", b"rot_13"))
    with pytest.raises(BadModelError, match="damaged"):
        weights.load(tmp_path / "x")


def test_a_generator_alone_is_used_as_a2b_with_a_note(tmp_path: Path) -> None:
    model = weights.load(write(tmp_path / "x.pdparams", paddle_state(TINY)))
    assert (list(model.generators), len(model.notes)) == (["a2b"], 1)


def test_arrays_by_columns_and_in_half_precision(tmp_path: Path) -> None:
    state = paddle_state(TINY)
    expected = weights.load(write(tmp_path / "x", state)).generators["a2b"]
    turned = {name: np.asfortranarray(a) if name.endswith("weight") else a for name, a in state.items()}
    found = weights.load(write(tmp_path / "x", turned)).generators["a2b"]
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())
    halves = {name: a.astype(np.float16) if name.endswith("weight") else a for name, a in state.items()}
    found = weights.load(write(tmp_path / "x", halves)).generators["a2b"]
    torch.testing.assert_close(found["stem.weight"], expected["stem.weight"], rtol=1e-3, atol=1e-6)


class Named:
    """How `paddle.save` pickles a tensor within nested dictionaries: as a tuple of its name and its array."""

    def __init__(self, *content: object) -> None:
        self.content = content

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (self.content,)


@pytest.mark.parametrize("protocol", [2, 4])
def test_tensors_with_their_names(protocol: int, tmp_path: Path) -> None:
    state = paddle_state(TINY)
    expected = weights.load(write(tmp_path / "x", {"genA2B": state})).generators["a2b"]
    named = {name: Named(f"w_{name}", a) if isinstance(a, np.ndarray) else a for name, a in state.items()}
    found = weights.load(write(tmp_path / "y", {"genA2B": named}, protocol)).generators["a2b"]
    assert all(torch.equal(found[name], tensor) for name, tensor in expected.items())


@pytest.mark.parametrize(
    "content", [(), ("w",), (1, np.ones(1)), ("w", "x"), ("w", [np.ones(1)]), ("w", np.ones(1), 1)]
)
def test_other_tuples_are_not_made(content: tuple[object, ...], tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match="calls a constructor wrongly"):
        weights.load(write(tmp_path / "x", {"genA2B": paddle_state(TINY) | {"w": Named(*content)}}))


class Trap:
    def __reduce__(self) -> tuple[Any, ...]:
        return print, ("it ran",)


def test_nothing_in_it_is_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RefusedError, match=r"would run code: it asks for builtins.print"):
        weights.load(write(tmp_path / "x", {"genA2B": paddle_state(TINY), "trap": Trap()}))
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("DownBlock.2.scale", np.full(4, 2, np.float32), r"DownBlock\.2\.scale was trained"),
        ("DownBlock.2.bias", np.ones(4, np.float32), r"DownBlock\.2\.bias was trained"),
        ("FC.2.weight", np.ones((4, 4), ">f4"), "big-endian"),
        ("FC.2.weight", np.ones((4, 4), np.int64), r"FC\.2\.weight has the type int64"),
        ("FC.2.weight", np.ones((4, 4), "<U1"), r"FC\.2\.weight is an array of the type U1"),
        ("FC.2.weight", np.full((4, 4), np.inf, np.float32), r"FC\.2\.weight is not finite"),
        ("more", np.ones(1, np.float32), "unexpected more"),
    ],
)
def test_what_is_wrong_is_said(name: str, array: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match=message):
        weights.load(write(tmp_path / "x", paddle_state(TINY) | {name: array}))


@pytest.mark.parametrize("content", [3, [1, 2], {"a": [1, 2]}, {}, {"a": {"b": 1}}])
def test_other_pickles_are_no_weights(content: object, tmp_path: Path) -> None:
    with pytest.raises(BadModelError, match=r"not a checkpoint|not a U-GAT-IT generator"):
        weights.load(write(tmp_path / "x", content))


@pytest.mark.parametrize("count", [1200, pytest.param(35_000, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
def test_mutated_files_end_in_a_documented_error(count: int, tmp_path: Path) -> None:
    path, dice, loaded = tmp_path / "x", random.Random(1), 0
    goods = [write(path, {"genA2B": paddle_state(TINY)}, protocol).read_bytes() for protocol in (2, 4)]
    for number in range(count):
        good = goods[number % 2]
        path.write_bytes(mutate(good, dice, [range(len(good))]))
        try:
            model = weights.load(path)
        except (BadModelError, RefusedError):
            continue
        loaded += 1
        assert all(tensor.isfinite().all() for tensor in model.generators["a2b"].values())
    assert loaded < count
