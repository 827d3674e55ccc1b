"""The plain form equals the official PyTorch code: generators, discriminators, whole checkpoints, their pictures."""

from __future__ import annotations

from pathlib import Path

import golden_pytorch as golden
import numpy as np
import pytest
import torch
from golden_pytorch import Case
from PIL import Image
from reference import PlainDiscriminator, PlainGenerator, PlainSpectralConv2d, Result
from torch import Tensor, nn


def run(network: nn.Module, state: dict[str, Tensor], pictures: Tensor) -> Result:
    network.load_state_dict(state)
    with torch.inference_mode():
        result: Result = network.eval()(pictures)
    return result


@pytest.mark.parametrize("name", golden.GENERATORS)
def test_generator_equals_official(shared: Path, name: str) -> None:
    case = golden.generator_case(shared, name)
    golden.assert_generator_matches(case, *run(PlainGenerator(golden.GENERATORS[name]), case.state, case.input))


@pytest.mark.parametrize("name", golden.DISCRIMINATORS)
def test_discriminator_equals_official(shared: Path, name: str) -> None:
    case = golden.discriminator_case(shared, name)
    result = run(PlainDiscriminator(*golden.DISCRIMINATORS[name]), case.state, case.input)
    golden.assert_discriminator_matches(case, *result)


@pytest.mark.parametrize("network", ["genA2B", "genB2A"])
@pytest.mark.parametrize("checkpoint", golden.CHECKPOINTS)
def test_checkpoint_generator_equals_official(shared: Path, checkpoint: str, network: str) -> None:
    case = golden.checkpoint_case(shared, checkpoint, network)
    result = run(PlainGenerator(golden.CHECKPOINTS[checkpoint]), case.state, case.input)
    golden.assert_generator_matches(case, *result)


@pytest.mark.parametrize("network", golden.CHECKPOINT_LAYERS)
@pytest.mark.parametrize("checkpoint", golden.CHECKPOINTS)
def test_checkpoint_discriminator_equals_official(shared: Path, checkpoint: str, network: str) -> None:
    case = golden.checkpoint_case(shared, checkpoint, network)
    discriminator = PlainDiscriminator(golden.CHECKPOINTS[checkpoint].channels, golden.CHECKPOINT_LAYERS[network])
    golden.assert_discriminator_matches(case, *run(discriminator, case.state, case.input))


@pytest.mark.parametrize(("direction", "into"), [("A2B", "genA2B"), ("B2A", "genB2A")])
@pytest.mark.parametrize("checkpoint", golden.CHECKPOINTS)
def test_pictures_equal_official_test_run(shared: Path, checkpoint: str, direction: str, into: str) -> None:
    """The seven tiles of the official test sheet: 0 is the input; 2, 4 and 6 identity, translation and cycle."""
    back = "genB2A" if into == "genA2B" else "genA2B"
    folder = shared / "golden" / "pytorch" / "checkpoints" / checkpoint
    arrays = golden.load_arrays(folder / "pictures" / f"{direction}_arrays.npz")
    forward, backward = (golden.checkpoint_case(shared, checkpoint, network).state for network in (into, back))
    generator = PlainGenerator(golden.CHECKPOINTS[checkpoint])
    translation = run(generator, forward, arrays["input"])
    identity, cycled = (run(generator, backward, picture)[0] for picture in (arrays["input"], translation[0]))

    case = Case({}, arrays["input"], translation[0], arrays["cam_logit"], arrays["heatmap"])
    golden.assert_rest_matches(case, *translation[1:])
    (sheet,) = folder.glob(f"results/*/test/{direction}_1.png")
    tiles = read_pixels(sheet).reshape(7, *to_pixels(arrays["input"]).shape)
    assert_same_picture(to_pixels(arrays["input"]), tiles[0])
    assert_same_picture(to_pixels(identity), tiles[2])
    assert_same_picture(to_pixels(translation[0]), tiles[4])
    assert_same_picture(to_pixels(cycled), tiles[6])
    assert np.array_equal(tiles[4], read_pixels(folder / "pictures" / f"{direction}_fake.png"))


def to_pixels(pictures: Tensor) -> np.ndarray:
    """1 3 H W in [-1, 1] -> H W 3 uint8, rounded half to even as OpenCV's writer does."""
    levels = (pictures[0].permute(1, 2, 0) * 0.5 + 0.5).double() * 255
    return levels.round().clamp(0, 255).to(torch.uint8).numpy()


def read_pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def assert_same_picture(actual: np.ndarray, expected: np.ndarray) -> None:
    """At most one level anywhere, and at most 0.5 % of the values (the manifest's `png_a`)."""
    difference = np.abs(actual.astype(int) - expected)
    assert difference.max() <= 1
    assert np.mean(difference > 0) <= 0.005


def test_power_iteration_is_the_official_one() -> None:
    """The torch function of the official code; today's parametrisation takes its two half-steps in another order."""
    torch.manual_seed(0)
    plain = PlainSpectralConv2d(3, 5, stride=2)
    official = nn.utils.spectral_norm(nn.Conv2d(3, 5, 4, 2))
    official.load_state_dict(
        {
            {"weight": "weight_orig", "u": "weight_u", "v": "weight_v"}.get(name, name): tensor
            for name, tensor in plain.state_dict().items()
        }
    )
    x = torch.randn(2, 3, 9, 9)
    for _ in range(3):  # one iteration per forward pass in training
        torch.testing.assert_close(plain(x), official(x))
    torch.testing.assert_close(plain.eval()(x), official.eval()(x))  # and none at rest
    torch.testing.assert_close(plain.u, official.get_buffer("weight_u"))
    torch.testing.assert_close(plain.v, official.get_buffer("weight_v"))
